import type { Failure } from '@flowplane/contract/execution';
import type { Database } from '@flowplane/db/database';
import { withRetry } from '@flowplane/db/retry';
import type { ApprovalLink } from '../approval-links.ts';
import type { Credentials } from '../credentials.ts';
import { endExecutions } from '../end.ts';
import type { Graph } from '../graph/graph.ts';
import { type Graphs, UnusableDefinition } from '../graph/graphs.ts';
import { loadJournal, nothingLoaded } from '../journal/load.ts';
import { openCredentials } from '../open-credentials.ts';
import { type Lease, patienceMs } from '../queue/lease.ts';
import { postpone } from '../queue/postpone.ts';
import { beginRun } from '../run/begin.ts';
import { type Driven, drive } from '../run/drive.ts';
import { lose, type Run, type RunDeps } from '../run/run.ts';
import type { Bus } from '../streams/bus.ts';
import type { Alarms } from './alarms.ts';
import type { Fresh, OnLeft } from './worker.ts';

/**
 * Workers that died with an execution, without progress in between, after which it is given up. The first two had it beside others,
 * of which any may have been the one that kills; the last three had it alone, see `claimSuspect`.
 */
const mostCrashes = 5;
/** How soon an execution is looked at again whose credentials could not be read. */
const laterSeconds = 5;

/** What advancing an execution needs from its worker. */
export type AdvanceDeps = {
  database: Database;
  graphs: Graphs;
  /** Those that graphs may name. */
  credentials: Credentials | undefined;
  bus: Bus;
  approvalLink: ApprovalLink | undefined;
  /** What the worker has under way, by execution. */
  runs: Map<string, Run>;
  run: RunDeps;
  alarms: Alarms;
  endChildren: (lease: Lease) => Promise<void>;
  onLeft: OnLeft;
};

async function giveUp({ database, bus, onLeft }: AdvanceDeps, lease: Lease, error: Failure): Promise<Driven> {
  const ending = { ids: [lease.id], fence: lease.fence };
  const [ended] = await withRetry(() => endExecutions(database, ending, { status: 'failed', error }), patienceMs);
  if (!ended) return { end: 'lost' };
  bus.publish(lease.id);
  onLeft([ended]);
  return { end: 'failed', error, finishedAt: ended.finishedAt };
}

async function graphOf({ graphs, run }: AdvanceDeps, { id, teamId, definitionHash }: Lease): Promise<Graph | Failure> {
  const known = graphs.known(teamId, definitionHash);
  if (known) return known;
  try {
    return await withRetry(() => graphs.load(teamId, definitionHash), patienceMs);
  } catch (error) {
    if (!(error instanceof UnusableDefinition)) throw error;
    run.onError(error, `definition of execution ${id}`);
    const message = 'The workflow can no longer be run; the server’s log has the cause.';
    return { code: 'invalid_workflow', message };
  }
}

async function driveRun(deps: AdvanceDeps, run: Run, runDeps: RunDeps): Promise<Driven> {
  const { runs, alarms, endChildren } = deps;
  const { lease } = run;
  // After an outage that outlived its lease, this process may take again what it still runs.
  const before = runs.get(lease.id);
  if (before) lose(before);
  runs.set(lease.id, run);
  try {
    const driven = await drive(run, runDeps);
    const isOver = driven.end === 'completed' || driven.end === 'failed';
    if (runDeps.atFaultPoint && isOver) await runDeps.atFaultPoint('ended', lease);
    if (run.hasCalled && isOver) await endChildren(lease);
    return driven;
  } finally {
    if (runs.get(lease.id) === run) runs.delete(lease.id);
    for (const { step } of run.waiting.values()) {
      if (step.wakeAtMs !== undefined) alarms.set(step.wakeAtMs - performance.now());
    }
  }
}

/**
 * Makes ready what a leased execution needs and drives it until its lease ends; or ends it where it cannot be run.
 *
 * @throws when the database cannot be reached for as long as the lease lasts.
 */
export async function advance(deps: AdvanceDeps, lease: Lease, fresh: Fresh | undefined): Promise<Driven> {
  const { database, bus, alarms, approvalLink, run: runDeps } = deps;
  if (runDeps.atFaultPoint) await runDeps.atFaultPoint('leased', lease);
  if (lease.crashes >= mostCrashes) {
    const message = `The execution was given up because ${lease.crashes} workers died while they ran it.`;
    return giveUp(deps, lease, { code: 'quarantined', message });
  }
  const graph = await graphOf(deps, lease);
  if ('code' in graph) return giveUp(deps, lease, graph);
  const loaded = lease.isNew ? nothingLoaded() : await withRetry(() => loadJournal(database, lease.id), patienceMs);
  const opened = await openCredentials(deps.credentials, {
    teamId: lease.teamId,
    ids: graph.credentialIds,
    isStart: loaded.nextPosition === 0,
    patienceMs,
  });
  if (opened === 'later') {
    await withRetry(() => postpone(database, lease, laterSeconds), patienceMs);
    bus.publish(lease.id);
    alarms.set(laterSeconds * 1_000);
    return { end: 'handed-back' };
  }
  if ('failure' in opened) return giveUp(deps, lease, opened.failure);
  const run = beginRun(lease, graph, { loaded, onRespond: fresh?.onRespond, approvalLink });
  const { credentials } = opened;
  return driveRun(deps, run, credentials ? { ...runDeps, credentials } : runDeps);
}
