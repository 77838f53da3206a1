import type { ResponseHints } from '../../context.ts';
import { Throttled } from './throttle.ts';

/** Runs work, and says by `Retry-After` when to come back if it has to wait (RFC 9110, 10.2.3). */
export async function tellingWhen<Result>(response: ResponseHints, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Throttled) response.headers['retry-after'] = String(error.retryAfterSeconds);
    throw error;
  }
}
