import { randomUUID } from 'node:crypto';
import type { Failure } from '@flowplane/contract/execution';
import type { Database } from '@flowplane/db/database';
import { isTransient, withRetry } from '@flowplane/db/retry';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { createBatcher } from './batch.ts';
import { beginRun } from './begin.ts';
import { stopSteps } from './cancel.ts';
import { type Commit, type Committed, commitRuns } from './commit.ts';
import type { Dispatch } from './dispatch.ts';
import { type Driven, drive } from './drive.ts';
import type { Graph } from './graph.ts';
import { type Graphs, UnusableDefinition } from './graphs.ts';
import { claimDueExecutions, claimExecution, type Lease, leaseSeconds, releaseLeases, renewLeases } from './lease.ts';
import { loadJournal } from './load.ts';
import type { HttpAnswer } from './node-type.ts';
import { lose, type Run, type RunDeps } from './run.ts';

/** Take-overs without progress after which an execution is given up: it kills its workers. */
const mostCrashes = 3;
const sweepMs = 1_000;
/** Also how soon a worker learns that another process has cancelled an execution of its own. */
const renewMs = 1_500;
const drainMs = 25_000;
/** How long a commit is tried again while PostgreSQL is away: past the lease somebody else may have the execution. */
export const patienceMs = (leaseSeconds - 3) * 1_000;

export type WorkerOptions = {
  database: Database;
  graphs: Graphs;
  sandbox: Sandbox;
  dispatch: Dispatch;
  /** Executions advanced at once; 0 where this process only stores them. */
  slots: number;
  /** Told of failures that are ours, not the author's. */
  onError: (error: unknown, where: string) => void;
};

/** What a fresh lease may bring along. */
export type Fresh = { onRespond: ((answer: HttpAnswer) => void) | undefined };

export type Worker = {
  id: string;
  /** Takes a slot if one is free; `hold` gives it back, or else `release` must. */
  reserve(): boolean;
  release(): void;
  /** Advances an execution in a reserved slot until its lease ends. Never rejects. */
  hold(lease: Lease, fresh?: Fresh): Promise<Driven>;
  /** Takes an execution if it is due and a slot is free. */
  look(executionId: string): Promise<void>;
  /** Stops advancing an execution at once. */
  drop(executionId: string): void;
  /** Starts taking executions that nobody holds. */
  work(): void;
  /** Lets what is in flight settle, hands the rest back, and stops. */
  close(): Promise<void>;
};

/** The part of a process that advances executions. `onEnd` is told how each lease ended. */
export function createWorker(options: WorkerOptions, onEnd: (lease: Lease, driven: Driven) => void): Worker {
  const { database, graphs, sandbox, dispatch, slots, onError } = options;
  const id = randomUUID();
  const runs = new Map<string, Run>();
  const holding = new Set<Promise<Driven>>();
  const timers = new Set<NodeJS.Timeout>();
  const sweeping = new Set<Promise<void>>();
  let reserved = 0;
  let draining = false;
  /** There was more to take than there were slots. */
  let starved = false;

  const commit = createBatcher<Commit, Committed>({
    flush: (commits) => withRetry(() => commitRuns(database, commits), patienceMs),
    failsAll: isTransient,
    lanes: 2,
    max: 100,
  });
  const deps: RunDeps = { sandbox, commit, onError, draining: () => draining };

  async function giveUp(lease: Lease, error: Failure): Promise<Driven> {
    const nothing = { outputText: undefined, steps: [], logs: [], progress: false };
    const committed = await commit({ id: lease.id, fence: lease.fence, status: 'failed', error, ...nothing });
    if (!committed?.finishedAt) return { end: 'lost' };
    await stopSteps(database.db, lease.id);
    return { end: 'failed', error, finishedAt: committed.finishedAt };
  }

  async function advance(lease: Lease, fresh: Fresh | undefined): Promise<Driven> {
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
    const loaded = fresh ? undefined : await withRetry(() => loadJournal(database, lease.id), patienceMs);
    const run = beginRun(lease, graph, { loaded, onRespond: fresh?.onRespond });
    // After an outage that outlived its lease, this process may take again what it still runs.
    const before = runs.get(lease.id);
    if (before) lose(before);
    runs.set(lease.id, run);
    try {
      return await drive(run, deps);
    } finally {
      if (runs.get(lease.id) === run) runs.delete(lease.id);
      for (const step of run.journal.values()) {
        if (step.status === 'waiting' && step.wakeAtMs !== undefined) sweepAfter(step.wakeAtMs - performance.now());
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
    reserved -= 1;
    if (starved) sweep();
    onEnd(lease, driven);
    return driven;
  }

  function hold(lease: Lease, fresh?: Fresh): Promise<Driven> {
    const held = holdSlot(lease, fresh);
    holding.add(held);
    void held.then(() => holding.delete(held));
    return held;
  }

  function sweep(): void {
    const swept = sweepOnce();
    sweeping.add(swept);
    void swept.then(() => sweeping.delete(swept));
  }

  async function sweepOnce(): Promise<void> {
    const free = draining ? 0 : slots - reserved;
    starved = free <= 0;
    if (starved) return;
    // The other half stays free for executions that are started here while the claim is under way.
    const most = Math.ceil(free / 2);
    reserved += most;
    let claimed: Lease[] = [];
    try {
      claimed = await claimDueExecutions(database, id, most);
    } catch (error) {
      onError(error, 'sweep');
    }
    reserved -= most - claimed.length;
    starved ||= claimed.length === most;
    for (const lease of claimed) void hold(lease);
  }

  function sweepAfter(ms: number): void {
    // Later waits, and those past the bound on timers, are found by the regular sweep.
    if (draining || slots === 0 || ms > 60_000 || timers.size > 1_000) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      sweep();
    }, Math.max(ms, 0) + 2);
    timers.add(timer);
  }

  function reserve(): boolean {
    if (draining || reserved >= slots) {
      starved = slots > 0;
      return false;
    }
    reserved += 1;
    return true;
  }

  function release(): void {
    reserved -= 1;
  }

  async function look(executionId: string): Promise<void> {
    if (!reserve()) return;
    const lease = await claimExecution(database, id, executionId).catch((error: unknown) => onError(error, 'claim'));
    if (lease) await hold(lease);
    else release();
  }

  async function renew(): Promise<void> {
    const quiet = [...runs.values()].filter((run) => run.commits === 0);
    if (quiet.length === 0) return;
    try {
      const ids = quiet.map((run) => run.lease.id);
      const held = await renewLeases(database, id, ids);
      for (const run of quiet) {
        const current = runs.get(run.lease.id) === run && run.commits === 0;
        if (current && !held.has(run.lease.id)) lose(run);
      }
    } catch (error) {
      onError(error, 'renewing leases');
    }
  }

  const intervals: NodeJS.Timeout[] = [];

  return {
    id,
    reserve,
    release,
    hold,
    look,
    drop(executionId) {
      const run = runs.get(executionId);
      if (run) lose(run);
    },
    work() {
      if (slots === 0) return;
      dispatch.consume(look, slots);
      intervals.push(
        setInterval(sweep, sweepMs),
        setInterval(() => void renew(), renewMs),
      );
      sweep();
    },
    async close() {
      draining = true;
      for (const timer of timers) clearTimeout(timer);
      for (const run of runs.values()) run.wake();
      // What a sweep under way still claims would otherwise be left to its lease's end.
      await Promise.all(sweeping);
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, drainMs);
      });
      await Promise.race([Promise.all(holding), tooLong]);
      clearTimeout(timer);
      for (const interval of intervals) clearInterval(interval);
      for (const run of runs.values()) lose(run);
      await releaseLeases(database, id).catch((error: unknown) => onError(error, 'handing back'));
    },
  };
}
