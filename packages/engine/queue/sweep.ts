import type { Database } from '@flowplane/db/database';
import { anyTurn, claimLeftExecutions, claimSuspect, claimTurnsOf, queueDueExecutions } from './claim.ts';
import type { Lease } from './lease.ts';
import type { Slots } from './slots.ts';

/** Takes what nobody holds, as far as there are slots. */
export type Sweeper = {
  /** Looks now, or once more after the look that is under way. */
  sweep(): void;
  /** Something was left for want of a slot: looks as soon as one is free. */
  starve(): void;
  /** A slot is free. */
  freed(): void;
  /** Something waits in a queue now: looks, if there are slots. */
  queued(): void;
  /** Whether the last look left nothing for want of a slot, and none is under way. */
  content(): boolean;
  /** Resolves when no look is under way. */
  idle(): Promise<void>;
};

/**
 * @param options.hold advances what was taken, in a slot of its team; a suspect was there when a worker died.
 * @param options.pace resolves when the next of those that were taken may begin.
 * @param options.mayTakeSuspect whether a suspect may be taken now.
 * @param options.halted true once nothing more is to be taken.
 * @param options.onLooked told when a look is over.
 */
export function createSweeper(options: {
  database: Database;
  worker: string;
  slots: Slots;
  hold: (lease: Lease, isSuspect: boolean) => void;
  pace: () => Promise<void>;
  mayTakeSuspect: () => boolean;
  halted: () => boolean;
  onLooked: () => void;
  onError: (error: unknown, where: string) => void;
}): Sweeper {
  const { database, worker, slots, hold, pace, mayTakeSuspect, halted, onLooked, onError } = options;
  const turn = anyTurn(worker);
  let sweeping: Promise<void> | undefined;
  /** There was more to take than there were slots. */
  let starved = false;
  /** Somebody asked for a look while one was under way: for everything, or for the queues only. */
  let again: 'all' | 'queues' | undefined;

  /** Claims into `most` slots that are kept meanwhile. @returns whether there may be more. */
  async function claimInto(most: number, claim: () => Promise<Lease[]>, suspects = false): Promise<boolean> {
    if (most <= 0 || halted()) return true;
    slots.keep(most);
    let claimed: Lease[] = [];
    try {
      claimed = await claim();
    } catch (error) {
      onError(error, 'sweep');
    }
    for (let unused = claimed.length; unused < most; unused += 1) slots.give();
    for (const lease of claimed) slots.assign(lease.teamId);
    for (const lease of claimed) {
      hold(lease, suspects);
      await pace();
    }
    return claimed.length === most;
  }

  /** Half of what is free stays free for executions that are started here while a claim is under way. */
  const half = () => Math.ceil(slots.free() / 2);

  function claimQueues(): Promise<boolean> {
    const common = slots.common();
    const most = Math.min(half(), common > 0 ? common : slots.free());
    return claimInto(most, () => claimTurnsOf(database, { worker, most, turn, except: slots.sated() }));
  }

  async function suspectsOf(): Promise<Lease[]> {
    const suspect = await claimSuspect(database, worker);
    return suspect ? [suspect] : [];
  }

  async function look(what: 'all' | 'queues'): Promise<void> {
    if (halted()) return;
    starved = false;
    if (what === 'all') {
      const most = half();
      if (await claimInto(most, () => claimLeftExecutions(database, worker, most))) starved = true;
      if (mayTakeSuspect()) await claimInto(Math.min(1, most), suspectsOf, true);
      const more = await queueDueExecutions(database).catch((error: unknown) => onError(error, 'sweep'));
      if (more) again = 'all';
    }
    if (await claimQueues()) starved = true;
  }

  async function lookAround(what: 'all' | 'queues'): Promise<void> {
    for (let next: typeof again = what; next; next = again) {
      again = undefined;
      await look(next);
    }
    sweeping = undefined;
    onLooked();
  }

  function ask(what: 'all' | 'queues'): void {
    if (sweeping) again = again === 'all' ? 'all' : what;
    else sweeping = lookAround(what);
  }

  return {
    sweep: () => ask('all'),
    starve() {
      starved = true;
    },
    freed() {
      if (starved && !halted()) ask('queues');
    },
    queued() {
      starved = true;
      if (slots.common() > 0) ask('queues');
    },
    content: () => !sweeping && !starved,
    idle: async () => sweeping,
  };
}
