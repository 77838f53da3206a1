import type { Execution } from '@flowplane/contract/execution';
import type { Database } from '@flowplane/db/database';

/** Seconds that a worker may hold an execution without saying that it is alive. */
export const leaseSeconds = 15;

/** An execution that this process may advance; every write names the fence. */
export type Lease = {
  id: string;
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  trigger: string;
  input: Execution['input'];
  fence: string;
  /** Workers that died with it since it last made progress. */
  crashes: number;
  createdAt: Date;
  startedAt: Date;
};

type Row = {
  id: string;
  team_id: string;
  workflow_id: string;
  version: number | null;
  definition_hash: string;
  trigger: string;
  input: Execution['input'];
  fence: string;
  crashes: number;
  created_at: Date;
  started_at: Date;
};

const claimed = `
  update executions set
    worker = $1, fence = fence + 1, status = 'running', due_at = now() + interval '${leaseSeconds} seconds',
    crashes = crashes + (status = 'running')::int, started_at = coalesce(started_at, now())`;

const returned = `
  returning id, team_id, workflow_id, version, definition_hash, trigger, input, fence, crashes, created_at, started_at`;

// SKIP LOCKED lets any number of workers claim at once without waiting for each other or taking the same row.
const claimDue = `${claimed}
  where id in (select id from executions where due_at <= now() order by due_at limit $2 for update skip locked)
  ${returned}`;

const claimOne = `${claimed}
  where id = (select id from executions where id = $2 and due_at <= now() for update skip locked)
  ${returned}`;

function leaseOf(row: Row): Lease {
  return {
    id: row.id,
    teamId: row.team_id,
    workflowId: row.workflow_id,
    version: row.version,
    definitionHash: row.definition_hash,
    trigger: row.trigger,
    input: row.input,
    fence: row.fence,
    crashes: row.crashes,
    createdAt: row.created_at,
    startedAt: row.started_at,
  };
}

/** Takes up to `most` executions that somebody should look at now: never started, waited long enough, or left by a dead worker. */
export async function claimDueExecutions(database: Database, worker: string, most: number): Promise<Lease[]> {
  const { rows } = await database.pool.query<Row>({ name: 'claim-due', text: claimDue, values: [worker, most] });
  return rows.map(leaseOf);
}

/** Takes one execution if it is due; undefined when another worker has it or it is final. */
export async function claimExecution(database: Database, worker: string, id: string): Promise<Lease | undefined> {
  const { rows } = await database.pool.query<Row>({ name: 'claim-one', text: claimOne, values: [worker, id] });
  return rows[0] && leaseOf(rows[0]);
}

/** Renews this worker's leases in one statement. @returns the ids that it still holds. */
export async function renewLeases(database: Database, worker: string, ids: string[]): Promise<Set<string>> {
  const { rows } = await database.pool.query<{ id: string }>({
    name: 'renew-leases',
    text: `update executions set due_at = now() + interval '${leaseSeconds} seconds'
      where id = any($2) and worker = $1 and status = 'running' returning id`,
    values: [worker, ids],
  });
  return new Set(rows.map((row) => row.id));
}

/** Hands back whatever this worker still holds, so that others take it at once instead of after the lease's end. */
export async function releaseLeases(database: Database, worker: string): Promise<void> {
  await database.pool.query({
    name: 'release-leases',
    text: `update executions set status = 'pending', worker = null, fence = fence + 1, due_at = now() where worker = $1 and due_at is not null`,
    values: [worker],
  });
}
