import type { Call } from './calls.ts';
import { FlowplaneError } from './error.ts';

/** Public mutations carry no key; of these two, which change nothing that counts, one more does no harm. */
const harmless = new Set(['auth.login', 'auth.logout']);

/**
 * Whether a call that failed may be sent again: it was refused before it did anything; or what it did is not known, but
 * doing it again does no harm. `auth.refresh` is not of the latter: to use a refresh token again after ten seconds ends the sign-in.
 */
export function mayRepeat(path: string, { kind, keyed }: Call, error: unknown): boolean {
  if (!(error instanceof FlowplaneError)) return false;
  if (error.status === 429 || error.code === 'idempotency_in_flight') return true;
  const unknown = error.code === 'network_error' || error.status >= 500;
  return unknown && (kind === 'query' || keyed === true || harmless.has(path));
}
