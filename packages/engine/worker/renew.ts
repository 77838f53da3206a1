import type { Database } from '@flowplane/db/database';
import { resolutionsOf } from '../journal/resolutions.ts';
import { renewLeases } from '../queue/lease.ts';
import { lose, type Run } from '../run/run.ts';

/** Gives a run under way what its waits have come to. */
async function resolve(database: Database, run: Run, signals: number): Promise<void> {
  const resolutions = await resolutionsOf(database, run.lease.id);
  run.signals = signals;
  for (const [path, { step }] of run.waiting) if (step.suspension) step.resolution = resolutions.get(path);
  run.wake();
}

/**
 * Renews the leases of a worker's runs, other than those that a commit under way renews; stops what somebody else has by now,
 * and wakes what something has happened to.
 */
export async function renewRuns(database: Database, worker: string, runs: ReadonlyMap<string, Run>): Promise<void> {
  const quiet = [...runs.values()].filter((run) => run.commits === 0);
  if (quiet.length === 0) return;
  const ids = quiet.map((run) => run.lease.id);
  const held = await renewLeases(database, worker, ids);
  for (const run of quiet) {
    const isCurrent = runs.get(run.lease.id) === run && run.commits === 0;
    if (!isCurrent) continue;
    const signals = held.get(run.lease.id);
    if (signals === undefined) lose(run);
    else if (signals > run.signals) await resolve(database, run, signals);
  }
}
