import { createSharing, type SharingOptions } from './sharing.ts';
import { createWindows, type Windows } from './windows.ts';

/** What counts the calls of every face. One per process. */
export type Limiter = { windows: Windows; anonymousPerMinute: number };

/**
 * Prepares the limiter; none when `anonymousPerMinute` is 0, which turns limits off.
 *
 * @param sharing what processes that are to count together share; each counts for itself when absent.
 */
export function createLimiter(options: {
  /** Calls per minute of all at one address of whom nobody is signed in. */
  anonymousPerMinute: number;
  sharing?: SharingOptions | undefined;
}): Limiter | undefined {
  const { anonymousPerMinute, sharing } = options;
  if (anonymousPerMinute === 0) return undefined;
  return { windows: createWindows(sharing && createSharing(sharing)), anonymousPerMinute };
}
