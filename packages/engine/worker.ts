import { randomUUID } from 'node:crypto';
import type { Failure } from '@flowplane/contract/execution';
import type { Database } from '@flowplane/db/database';
import { isTransient, withRetry } from '@flowplane/db/retry';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import type { ApprovalLink } from './approval-links.ts';
import { createBatcher } from './batch.ts';
import type { Credentials } from './credentials.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import { endExecutions } from './end.ts';
import { isFinal } from './execution.ts';
import type { AtFaultPoint } from './fault-points.ts';
import type { Graph } from './graph/graph.ts';
import { type Graphs, UnusableDefinition } from './graph/graphs.ts';
import { type Commit, type Committed, commitRuns } from './journal/commit.ts';
import { loadJournal, nothingLoaded } from './journal/load.ts';
import { resolutionsOf } from './journal/resolutions.ts';
import type { HttpAnswer } from './node-type.ts';
import { openCredentials } from './open-credentials.ts';
import { claimHarmless, type Lease, leaseSeconds, releaseLeases, renewLeases } from './queue/lease.ts';
import { postpone } from './queue/postpone.ts';
import { createSlots } from './queue/slots.ts';
import { createSweeper } from './queue/sweep.ts';
import { beginRun } from './run/begin.ts';
import { type Driven, drive } from './run/drive.ts';
import { lose, type Run, type RunDeps } from './run/run.ts';
import { type Bus, logsTopic } from './streams/bus.ts';

/** Take-overs without progress after which an execution is given up: it kills its workers. */
const mostCrashes = 3;
/** How long a suspect is alone with what has never seen a worker die. */
const suspectMs = leaseSeconds * 1_000;
const sweepMs = 1_000;
/** Also how soon a worker learns that another process has cancelled an execution of its own. */
const renewMs = 1_500;
const drainMs = 25_000;
/** How long a commit is tried again while PostgreSQL is away: past the lease somebody else may have the execution. */
export const patienceMs = (leaseSeconds - 3) * 1_000;
/** How soon an execution is looked at again whose credentials could not be read. */
const laterSeconds = 5;

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
  /** Told of executions that are over, and what each had a place of. */
  onLeft: (left: { workflowId: string; concurrencyKey: string | null }[]) => void;
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
  hold(lease: Lease, fresh?: Fresh): Promise<Driven>;
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

/** The part of a process that advances executions. */
export function createWorker(options: WorkerOptions): Worker {
  const { database, graphs, sandbox, dispatch, bus, slots: total, call, atFaultPoint, onError } = options;
  const id = randomUUID();
  const runs = new Map<string, Run>();
  const holding = new Set<Promise<Driven>>();
  const timers = new Set<NodeJS.Timeout>();
  const slots = createSlots(total);
  /** When this worker took those that were there when a worker died. */
  const suspects = new Map<string, number>();
  let draining = false;
  const sweeper = createSweeper({
    database,
    worker: id,
    slots,
    hold(lease, isSuspect) {
      if (isSuspect) suspects.set(lease.id, performance.now());
      void holdClaimed(lease);
    },
    mayTakeSuspect: () => [...suspects.values()].every((since) => performance.now() - since > suspectMs),
    halted: () => draining,
    onError,
  });

  async function flushCommits(commits: Commit[]): Promise<Committed[]> {
    const committed = await withRetry(() => commitRuns(database, commits), patienceMs);
    for (const [index, { id, workflowId, logs, parentId, status }] of commits.entries()) {
      if (!committed[index]) continue;
      bus.publish(id);
      if (parentId && isFinal(status)) void look(parentId);
      const concurrencyKey = runs.get(id)?.lease.concurrencyKey ?? null;
      if (concurrencyKey !== null && isFinal(status)) options.onLeft([{ workflowId, concurrencyKey }]);
      if (logs.length > 0) bus.publish(logsTopic(workflowId));
    }
    return committed;
  }

  const commit = createBatcher<Commit, Committed>({
    flush: flushCommits,
    failsAll: isTransient,
    lanes: 2,
    max: 100,
  });
  const deps: RunDeps = {
    sandbox,
    commit,
    call,
    onError,
    credentials: undefined,
    atFaultPoint,
    draining: () => draining,
  };

  async function giveUp(lease: Lease, error: Failure): Promise<Driven> {
    const ending = { ids: [lease.id], fence: lease.fence };
    const [ended] = await withRetry(() => endExecutions(database, ending, { status: 'failed', error }), patienceMs);
    if (!ended) return { end: 'lost' };
    bus.publish(lease.id);
    options.onLeft([ended]);
    return { end: 'failed', error, finishedAt: ended.finishedAt };
  }

  async function advance(lease: Lease, fresh: Fresh | undefined): Promise<Driven> {
    if (atFaultPoint) await atFaultPoint('leased', lease);
    if (lease.crashes >= mostCrashes) {
      const message = `The execution was given up because ${lease.crashes} workers died while they ran it.`;
      return giveUp(lease, { code: 'quarantined', message });
    }
    let graph: Graph;
    try {
      graph =
        graphs.known(lease.teamId, lease.definitionHash) ??
        (await withRetry(() => graphs.load(lease.teamId, lease.definitionHash), patienceMs));
    } catch (error) {
      if (!(error instanceof UnusableDefinition)) throw error;
      onError(error, `definition of execution ${lease.id}`);
      const message = 'The workflow can no longer be run; the server’s log has the cause.';
      return giveUp(lease, { code: 'invalid_workflow', message });
    }
    const loaded = fresh ? nothingLoaded() : await withRetry(() => loadJournal(database, lease.id), patienceMs);
    const opened = await openCredentials(options.credentials, {
      teamId: lease.teamId,
      ids: graph.credentialIds,
      isStart: loaded.nextPosition === 0,
      patienceMs,
    });
    if (opened === 'later') {
      await withRetry(() => postpone(database, lease, laterSeconds), patienceMs);
      bus.publish(lease.id);
      sweepAfter(laterSeconds * 1_000);
      return { end: 'handed-back' };
    }
    if ('failure' in opened) return giveUp(lease, opened.failure);
    const run = beginRun(lease, graph, { loaded, onRespond: fresh?.onRespond, approvalLink: options.approvalLink });
    // After an outage that outlived its lease, this process may take again what it still runs.
    const before = runs.get(lease.id);
    if (before) lose(before);
    runs.set(lease.id, run);
    try {
      const { credentials } = opened;
      const driven = await drive(run, credentials ? { ...deps, credentials } : deps);
      const isOver = driven.end === 'completed' || driven.end === 'failed';
      if (atFaultPoint && isOver) await atFaultPoint('ended', lease);
      if (run.hasCalled && isOver) await options.endChildren(lease);
      return driven;
    } finally {
      if (runs.get(lease.id) === run) runs.delete(lease.id);
      for (const { step } of run.waiting.values()) {
        if (step.wakeAtMs !== undefined) sweepAfter(step.wakeAtMs - performance.now());
      }
    }
  }

  async function holdSlot(lease: Lease, fresh: Fresh | undefined): Promise<Driven> {
    let driven: Driven = { end: 'lost' };
    try {
      driven = await advance(lease, fresh);
    } catch (error) {
      onError(error, `execution ${lease.id}`);
    }
    slots.give(lease.teamId);
    // What was beside it when that worker died is next.
    if (suspects.delete(lease.id)) sweeper.sweep();
    sweeper.freed();
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

  function sweepAfter(ms: number): void {
    // Later waits, and those past the bound on timers, are found by the regular sweep.
    if (draining || total === 0 || ms > 60_000 || timers.size > 1_000) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      sweeper.sweep();
    }, Math.max(ms, 0) + 2);
    timers.add(timer);
  }

  /** Takes a slot; where there is none, looks again once one is free. */
  function taken(take: () => boolean): boolean {
    if (!draining && take()) return true;
    if (total > 0) sweeper.starve();
    return false;
  }

  async function look(executionId: string): Promise<void> {
    if (!taken(slots.takeUnknown)) return;
    const lease = await claimHarmless(database, id, executionId).catch((error: unknown) => onError(error, 'claim'));
    if (!lease) return slots.give();
    slots.assign(lease.teamId);
    await holdClaimed(lease);
  }

  /** Gives a run under way what its waits have come to. */
  async function resolve(run: Run, signals: number): Promise<void> {
    const resolutions = await resolutionsOf(database, run.lease.id);
    run.signals = signals;
    for (const [path, { step }] of run.waiting) if (step.suspension) step.resolution = resolutions.get(path);
    run.wake();
  }

  async function renew(): Promise<void> {
    const quiet = [...runs.values()].filter((run) => run.commits === 0);
    if (quiet.length === 0) return;
    try {
      const ids = quiet.map((run) => run.lease.id);
      const held = await renewLeases(database, id, ids);
      for (const run of quiet) {
        const current = runs.get(run.lease.id) === run && run.commits === 0;
        if (!current) continue;
        const signals = held.get(run.lease.id);
        if (signals === undefined) lose(run);
        else if (signals > run.signals) await resolve(run, signals);
      }
    } catch (error) {
      onError(error, 'renewing leases');
    }
  }

  const intervals: NodeJS.Timeout[] = [];

  return {
    id,
    reserve: (teamId) => taken(() => slots.take(teamId)),
    release: (teamId) => slots.give(teamId),
    hold,
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
      dispatch.consume(look, total);
      intervals.push(
        setInterval(sweeper.sweep, sweepMs),
        setInterval(() => void renew(), renewMs),
      );
      sweeper.sweep();
    },
    async close() {
      draining = true;
      for (const timer of timers) clearTimeout(timer);
      for (const run of runs.values()) run.wake();
      // What a sweep under way still claims would otherwise be left to its lease's end.
      await sweeper.idle();
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, drainMs);
      });
      await Promise.race([Promise.all(holding), tooLong]);
      clearTimeout(timer);
      for (const interval of intervals) clearInterval(interval);
      for (const run of runs.values()) lose(run);
      try {
        for (const released of await releaseLeases(database, id)) bus.publish(released);
      } catch (error) {
        onError(error, 'handing back');
      }
    },
  };
}
