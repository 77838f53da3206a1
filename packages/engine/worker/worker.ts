import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@flowplane/db/database';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import type { ApprovalLink } from '../approval-links.ts';
import type { Credentials } from '../credentials.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { NoRoom } from '../dispatch/no-room.ts';
import type { AtFaultPoint } from '../fault-points.ts';
import type { Graphs } from '../graph/graphs.ts';
import type { HttpAnswer } from '../node-type.ts';
import { claimHarmless, type Lease, leaseSeconds, releaseLeases } from '../queue/lease.ts';
import { createSlots } from '../queue/slots.ts';
import { createSweeper } from '../queue/sweep.ts';
import type { Driven } from '../run/drive.ts';
import { lose, type Run, type RunDeps } from '../run/run.ts';
import type { Bus } from '../streams/bus.ts';
import { type AdvanceDeps, advance } from './advance.ts';
import { createAlarms } from './alarms.ts';
import { createCommits } from './commits.ts';
import { renewRuns } from './renew.ts';

/** How long a suspect is alone with what has never seen a worker die. */
const suspectMs = leaseSeconds * 1_000;
const sweepMs = 1_000;
/** Also how soon a worker learns that another process has cancelled an execution of its own. */
const renewMs = 1_500;
const drainMs = 25_000;

/** Told of executions that are over, and what each had a place of. */
export type OnLeft = (left: { workflowId: string; concurrencyKey: string | null }[]) => void;

export type WorkerOptions = {
  database: Database;
  graphs: Graphs;
  sandbox: Sandbox;
  /** Those that graphs may name. */
  credentials: Credentials | undefined;
  dispatch: Dispatch;
  /** Told of every change of an execution. */
  bus: Bus;
  /** Executions advanced at once; 0 where this process only stores them. */
  slots: number;
  call: RunDeps['call'];
  approvalLink: ApprovalLink | undefined;
  /** Given by tests of faults only. */
  atFaultPoint?: AtFaultPoint | undefined;
  /** Ends what an execution that is over has started and was to end with it. */
  endChildren: (lease: Lease) => Promise<void>;
  onLeft: OnLeft;
  /** Told of failures that are ours, not the author's. */
  onError: (error: unknown, where: string) => void;
};

/** What a fresh lease may bring along. */
export type Fresh = { onRespond: ((answer: HttpAnswer) => void) | undefined };

export type Worker = {
  id: string;
  /** Takes a slot if the team may have one; `hold` gives it back, or else `release` must. */
  reserve(teamId: string): boolean;
  release(teamId: string): void;
  /** Advances an execution in a reserved slot until its lease ends. Never rejects. */
  hold(lease: Lease, fresh: Fresh): Promise<Driven>;
  /** Looks at the queues, in one of which there is something new. */
  queued(): void;
  /** Takes an execution if it is due and a slot is free. */
  look(executionId: string): Promise<void>;
  /** Stops advancing an execution at once. */
  drop(executionId: string): void;
  /** Starts taking executions that nobody holds. */
  work(): void;
  /** Lets what is in flight settle, hands the rest back, and stops. */
  close(): Promise<void>;
};

/** The part of a process that advances executions: who has which slot, what comes into them, and how they are left. */
export function createWorker(options: WorkerOptions): Worker {
  const { database, graphs, sandbox, dispatch, bus, slots: total, onError } = options;
  const id = randomUUID();
  const runs = new Map<string, Run>();
  const holding = new Set<Promise<Driven>>();
  const slots = createSlots(total);
  /** When this worker took those that were there when a worker died. */
  const suspects = new Map<string, number>();
  let draining = false;
  /** Executions that were started here and are under way, for each of which somebody may wait. */
  let born = 0;

  /**
   * Those that come from the queues begin one by one, so that what else comes in has its turn in between; and not more than one in a
   * millisecond while somebody waits.
   */
  async function pace(): Promise<void> {
    await (born > 0 ? sleep(1) : setImmediate());
  }

  const sweeper = createSweeper({
    database,
    worker: id,
    slots,
    hold(lease, isSuspect) {
      if (isSuspect) suspects.set(lease.id, performance.now());
      void holdClaimed(lease);
    },
    pace,
    mayTakeSuspect: () => [...suspects.values()].every((since) => performance.now() - since > suspectMs),
    halted: () => draining,
    onLooked: takeOrPause,
    onError,
  });
  const alarms = createAlarms(sweeper.sweep);
  const advanceDeps: AdvanceDeps = {
    database,
    graphs,
    credentials: options.credentials,
    bus,
    approvalLink: options.approvalLink,
    runs,
    run: {
      sandbox,
      commit: createCommits({ database, bus, runs, onLeft: options.onLeft, look: (parent) => void look(parent) }),
      call: options.call,
      onError,
      credentials: undefined,
      atFaultPoint: options.atFaultPoint,
      draining: () => draining,
    },
    alarms,
    endChildren: options.endChildren,
    onLeft: options.onLeft,
  };

  /**
   * Takes messages only while there is room for what they name. While more waits than there is room for, the queues decide what
   * comes next: a message would let its execution in before those that have waited for longer.
   */
  function takeOrPause(): void {
    if (draining || !sweeper.content() || slots.common() === 0) dispatch.pause();
    else dispatch.resume();
  }

  /** Takes a slot; where there is none, looks again once one is free. */
  function taken(take: () => boolean): boolean {
    if (!draining && take()) return true;
    if (total > 0) sweeper.starve();
    return false;
  }

  async function holdSlot(lease: Lease, fresh: Fresh | undefined): Promise<Driven> {
    let driven: Driven = { end: 'lost' };
    try {
      driven = await advance(advanceDeps, lease, fresh);
    } catch (error) {
      onError(error, `execution ${lease.id}`);
    }
    slots.give(lease.teamId);
    // What was beside it when that worker died is next.
    if (suspects.delete(lease.id)) sweeper.sweep();
    sweeper.freed();
    if (sweeper.content()) takeOrPause();
    return driven;
  }

  function hold(lease: Lease, fresh?: Fresh): Promise<Driven> {
    const held = holdSlot(lease, fresh);
    holding.add(held);
    void held.then(() => holding.delete(held));
    return held;
  }

  function holdClaimed(lease: Lease): Promise<Driven> {
    bus.publish(lease.id);
    return hold(lease);
  }

  /** Takes an execution if it is due, in a slot of which it is not known yet whose it will be. */
  async function take(executionId: string): Promise<void> {
    const lease = await claimHarmless(database, id, executionId).catch((error: unknown) => onError(error, 'claim'));
    if (!lease) return slots.give();
    slots.assign(lease.teamId);
    await holdClaimed(lease);
  }

  async function look(executionId: string): Promise<void> {
    if (taken(slots.takeUnknown)) await take(executionId);
  }

  /** @throws NoRoom. */
  async function lookForMessage(executionId: string): Promise<void> {
    if (taken(slots.takeUnknown)) return take(executionId);
    dispatch.pause();
    throw new NoRoom();
  }

  /** Waits until nothing is held any more, for `drainMs` at most. */
  async function settle(): Promise<void> {
    // What a sweep under way still claims would otherwise be left to its lease's end.
    await sweeper.idle();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    await Promise.race([Promise.all(holding), tooLong]);
    clearTimeout(timer);
  }

  async function handBack(): Promise<void> {
    for (const run of runs.values()) lose(run);
    try {
      for (const released of await releaseLeases(database, id)) bus.publish(released);
    } catch (error) {
      onError(error, 'handing back');
    }
  }

  const intervals: NodeJS.Timeout[] = [];

  return {
    id,
    reserve(teamId) {
      const isTaken = taken(() => slots.take(teamId));
      if (isTaken) born += 1;
      return isTaken;
    },
    release(teamId) {
      born -= 1;
      slots.give(teamId);
    },
    async hold(lease, fresh) {
      const driven = await hold(lease, fresh);
      born -= 1;
      return driven;
    },
    queued() {
      if (total > 0) sweeper.queued();
    },
    look,
    drop(executionId) {
      const run = runs.get(executionId);
      if (run) lose(run);
    },
    work() {
      if (total === 0) return;
      dispatch.consume(lookForMessage, total);
      const renew = () => renewRuns(database, id, runs).catch((error: unknown) => onError(error, 'renewing leases'));
      intervals.push(
        setInterval(sweeper.sweep, sweepMs),
        setInterval(() => void renew(), renewMs),
      );
      sweeper.sweep();
    },
    async close() {
      draining = true;
      dispatch.pause();
      alarms.stop();
      for (const run of runs.values()) run.wake();
      await settle();
      for (const interval of intervals) clearInterval(interval);
      await handBack();
    },
  };
}
