import { limits } from '@flowplane/contract/limits';
import type { Overlap } from '@flowplane/contract/schedule';

/** What a look at a schedule leads to: a slot to start, and those that go on waiting. */
export type StartPlan = { start: Date | undefined; cancelUnfinished: boolean; waiting: Date[] };

/** Slots that wait, with those that have become due; the oldest are left out when they are too many. */
export function withDue(waiting: readonly Date[], due: readonly Date[]): Date[] {
  return [...waiting, ...due].slice(-limits.waitingFires);
}

/**
 * Which of the waiting slots starts now.
 *
 * @param busy whether an execution that an earlier slot started is unfinished.
 */
export function startPlan(overlap: Overlap, waiting: readonly Date[], busy: boolean): StartPlan {
  const [first, ...rest] = waiting;
  switch (overlap) {
    case 'cancel-previous':
      // Those between would only be cancelled by the last.
      return { start: waiting.at(-1), cancelUnfinished: busy, waiting: [] };
    case 'queue':
      return busy
        ? { start: undefined, cancelUnfinished: false, waiting: [...waiting] }
        : { start: first, cancelUnfinished: false, waiting: rest };
    case 'skip':
      return busy
        ? { start: undefined, cancelUnfinished: false, waiting: [] }
        : { start: first, cancelUnfinished: false, waiting: rest };
  }
}

/**
 * When to look again at slots that wait: at once, or where an execution holds them up, the later the longer it has run.
 *
 * @param runningSince when the execution that they wait for began; undefined when there is none.
 */
export function lookAgainAt(now: Date, runningSince: Date | undefined): Date {
  const ranMs = now.getTime() - (runningSince ?? now).getTime();
  const pauseMs = runningSince ? Math.min(Math.max(ranMs / 10, 200), 30_000) : 0;
  return new Date(now.getTime() + pauseMs);
}
