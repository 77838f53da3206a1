import { Refusal } from '@flowplane/contract/errors';

/** Runs work when it is its turn. */
export type Gate = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * A gate through which at most `atOnce` pieces of work go at once, while at most `waiting` more wait in order.
 *
 * The gate throws Refusal `unavailable` to whoever comes when all places to wait are taken.
 */
export function createGate({ atOnce, waiting }: { atOnce: number; waiting: number }): Gate {
  const queue: (() => void)[] = [];
  let running = 0;

  async function turn(): Promise<void> {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (queue.length >= waiting) throw new Refusal('unavailable', 'Too many sign-ins at once: try again in a second.');
    // Whoever leaves hands its place on, so `running` does not change.
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function leave(): void {
    const next = queue.shift();
    if (next) next();
    else running -= 1;
  }

  return async (work) => {
    await turn();
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
