import { LRUCache } from 'lru-cache';
import type { Demand, Quota } from './quota.ts';

/** The calls of one key since the first of them, until `endsAt` (by `clock`). */
export type Window = {
  key: string;
  seconds: number;
  used: number;
  endsAt: number;
  /** Those of `used` that other processes have not been told of. */
  unshared: number;
};

/** How far a quota is used up after a call. */
export type Standing = { quota: Quota; remaining: number; resetsInMs: number };

export type Count = {
  standings: Standing[];
  /** Until the call may be made; 0 when it was counted. */
  waitMs: number;
};

export type Windows = {
  /** Counts one call against all of its quotas, or against none when one of them is used up. */
  count(demands: readonly Demand[]): Count;
};

/** Whole milliseconds that never go back; adding and taking away a minute gives a minute. */
export function clock(): number {
  return Math.trunc(performance.now());
}

/** Windows kept at most, the latest used; about 20 MB. Whoever has more addresses than that gains nothing by forgetting one. */
const kept = 100_000;

/**
 * Counts calls in fixed windows in this process's memory. By hand, because `RateLimiterMemory` keeps any number of keys, each with
 * a timer, and cannot count a call against all of several quotas or none.
 *
 * @param onCount told of every window that a call was counted in.
 */
export function createWindows(onCount: (window: Window) => void = () => {}): Windows {
  const windows = new LRUCache<string, Window>({ max: kept });

  function windowOf({ key, quota: { seconds } }: Demand, now: number): Window {
    const name = `${seconds} ${key}`;
    const known = windows.get(name);
    if (known && known.endsAt > now) return known;
    const window = { key, seconds, used: 0, endsAt: now + seconds * 1_000, unshared: 0 };
    windows.set(name, window);
    return window;
  }

  return {
    count(demands) {
      const now = clock();
      const counted = demands.map((demand) => ({ quota: demand.quota, window: windowOf(demand, now) }));
      let waitMs = 0;
      for (const { quota, window } of counted) {
        if (window.used >= quota.limit) waitMs = Math.max(waitMs, window.endsAt - now);
      }
      const standings = counted.map(({ quota, window }) => {
        if (waitMs === 0) {
          window.used += 1;
          window.unshared += 1;
          onCount(window);
        }
        return { quota, remaining: Math.max(0, quota.limit - window.used), resetsInMs: window.endsAt - now };
      });
      return { standings, waitMs };
    },
  };
}
