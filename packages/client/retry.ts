import { FlowplaneError } from './error.ts';
import { failedTogether } from './failed-together.ts';
import { pause } from './pause.ts';

/** Milliseconds: the longest first pause, and the longest of all. */
const base = 250;
const cap = 10_000;

/** Seconds: who is told to come back later than this had better know it than wait. */
const patience = 60;

/**
 * Milliseconds to wait after a failure, the first being 0: what the server said, or back-off with full jitter. Undefined when
 * the server said longer than a minute.
 *
 * @param jitter from 0 to 1.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function pauseAfter(error: unknown, failures: number, jitter: number): number | undefined {
  const said = error instanceof FlowplaneError ? error.retryAfter : undefined;
  // Some more, so that all who were told the same do not come back at the same moment.
  if (said !== undefined) return said > patience ? undefined : said * 1_000 + jitter * base;
  return jitter * Math.min(cap, base * 2 ** failures);
}

/**
 * Tries until it succeeds, `retries` times more at most.
 *
 * @throws what the last try rejected with, or the signal's reason.
 */
export async function withRetries<Value>(
  attempt: () => Promise<Value>,
  options: { retries: number; mayRepeat: (error: unknown) => boolean; signal: AbortSignal | undefined },
): Promise<Value> {
  const { retries, mayRepeat, signal } = options;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const { jitter, waiting } = failedTogether(error);
      const wait = failures < retries && mayRepeat(error) ? pauseAfter(error, failures, jitter) : undefined;
      if (wait === undefined) throw error;
      await pause(wait, signal, waiting);
    }
  }
}
