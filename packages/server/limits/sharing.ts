import { RateLimiterRedis } from 'rate-limiter-flexible';
import { clock, type Window } from './windows.ts';

/** A Redis client of ioredis, as far as it matters here. */
export type RedisClient = { readonly status: string };

export type SharingOptions = {
  redis: RedisClient;
  /** Told of exchanges that failed, with the first of them in a row. */
  onError: (error: unknown) => void;
  /** How long counts are gathered before they are exchanged (milliseconds). */
  everyMs?: number;
};

const atOnce = 500;
/** Windows that wait for a Redis that is away. */
const waiting = 100_000;
/** How long until a Redis that is away is looked for again (milliseconds). */
const awayMs = 500;

/** Takes over what all processes counted together. */
function adopt(
  window: Window,
  { consumedPoints, msBeforeNext }: { consumedPoints: number; msBeforeNext: number },
): void {
  const used = consumedPoints + window.unshared;
  // A Redis that was restarted has forgotten what this process knows.
  if (used < window.used) return;
  window.used = used;
  window.endsAt = clock() + msBeforeNext;
}

/**
 * Makes processes count together: what this one counted is added to Redis a moment later, and what comes back is what all of
 * them counted. No call waits for that. Redis being away or slow changes nothing but that each process counts for itself; what it
 * counted meanwhile is added as soon as Redis is back.
 *
 * Each count is sent once, even if no answer comes: sent again it might count twice.
 *
 * @returns to be told of every window that a call was counted in.
 */
export function createSharing({ redis, onError, everyMs = 100 }: SharingOptions): (window: Window) => void {
  const changed = new Set<Window>();
  const counters = new Map<number, RateLimiterRedis>();
  let isScheduled = false;
  let failing = false;

  function counterOf(seconds: number): RateLimiterRedis {
    const known = counters.get(seconds);
    if (known) return known;
    const options = { storeClient: redis, keyPrefix: `limits_${seconds}`, points: 1, duration: seconds };
    const made = new RateLimiterRedis({ ...options, rejectIfRedisNotReady: true });
    counters.set(seconds, made);
    return made;
  }

  async function exchange(window: Window): Promise<void> {
    const { key, seconds, unshared } = window;
    if (unshared === 0 || window.endsAt <= clock()) return;
    window.unshared = 0;
    adopt(window, await counterOf(seconds).penalty(key, unshared));
  }

  async function exchangeAll(): Promise<void> {
    const windows = [...changed];
    changed.clear();
    for (let i = 0; i < windows.length; i += atOnce) {
      const results = await Promise.allSettled(windows.slice(i, i + atOnce).map(exchange));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed && !failing) onError(failed.reason);
      failing = failed !== undefined;
    }
  }

  function forgetEnded(): void {
    const now = clock();
    for (const window of changed) if (window.endsAt <= now) changed.delete(window);
  }

  async function tick(): Promise<void> {
    const isThere = redis.status === 'ready';
    if (isThere) await exchangeAll();
    else forgetEnded();
    isScheduled = false;
    if (changed.size > 0) schedule(isThere ? everyMs : awayMs);
  }

  function schedule(ms: number): void {
    if (isScheduled) return;
    isScheduled = true;
    setTimeout(() => void tick(), ms).unref();
  }

  return (window) => {
    if (changed.size < waiting) changed.add(window);
    schedule(everyMs);
  };
}
