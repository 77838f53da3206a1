import type { Database } from '@flowplane/db/database';
import { isTransient, withRetry } from '@flowplane/db/retry';
import { createBatcher } from '../batch.ts';
import { isFinal } from '../execution.ts';
import { type Commit, type Committed, commitRuns } from '../journal/commit.ts';
import { patienceMs } from '../queue/lease.ts';
import type { Run } from '../run/run.ts';
import { type Bus, logsTopic } from '../streams/bus.ts';
import type { OnLeft } from './worker.ts';

/**
 * What writes the progress of runs, of those that come at once in one statement, and then tells whoever is to know.
 *
 * @param options.runs those that the process has, by execution.
 * @param options.look told of who may go on because what it waited for is over.
 */
export function createCommits(options: {
  database: Database;
  bus: Bus;
  runs: ReadonlyMap<string, Run>;
  onLeft: OnLeft;
  look: (executionId: string) => void;
}): (commit: Commit) => Promise<Committed> {
  const { database, bus, runs, onLeft, look } = options;

  function tell({ id, workflowId, logs, parentId, status }: Commit): void {
    bus.publish(id);
    if (parentId && isFinal(status)) look(parentId);
    const concurrencyKey = runs.get(id)?.lease.concurrencyKey ?? null;
    if (concurrencyKey !== null && isFinal(status)) onLeft([{ workflowId, concurrencyKey }]);
    if (logs.length > 0) bus.publish(logsTopic(workflowId));
  }

  return createBatcher<Commit, Committed>({
    async flush(commits) {
      const committed = await withRetry(() => commitRuns(database, commits), patienceMs);
      for (const [index, commit] of commits.entries()) if (committed[index]) tell(commit);
      return committed;
    },
    failsAll: isTransient,
    lanes: 2,
    // A larger flush costs less for each, but whoever comes alone waits for it.
    max: 25,
    ownerOf: ({ id, workflowId }) => runs.get(id)?.lease.teamId ?? workflowId,
  });
}
