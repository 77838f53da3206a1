import type { Dispatch } from './dispatch.ts';

/**
 * With so many messages waiting, those who take them are busy and find what is due by sweeping: more would be looked at in vain, and
 * hold up the message of an execution that a free slot is waiting for.
 */
const mostWaiting = 1_000;
/** How old a count may be. */
const freshMs = 1_000;

/** A dispatch that can say, nearly, how many messages wait to be taken. */
export type CountingDispatch = Dispatch & { waiting(): Promise<number> };

/** Sends nothing while too much waits already. Nobody waits for the count. */
export function withoutCrowds(dispatch: CountingDispatch): Dispatch {
  let waiting = 0;
  let countedAt = Number.NEGATIVE_INFINITY;

  async function count(): Promise<void> {
    countedAt = performance.now();
    // What is away is told to who sends.
    waiting = await dispatch.waiting().catch(() => 0);
  }

  return {
    ...dispatch,
    async send(executionIds) {
      if (performance.now() - countedAt > freshMs) void count();
      if (waiting < mostWaiting) await dispatch.send(executionIds);
    },
  };
}
