import type { Execution } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';

/** Seconds that a worker may hold an execution without saying that it is alive. */
export const leaseSeconds = 15;

/** How long a statement is tried again while PostgreSQL is away: past the lease somebody else may have the execution. */
export const patienceMs = (leaseSeconds - 3) * 1_000;

/** An execution that this process may advance; every write names the fence. */
export type Lease = {
  id: string;
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  trigger: string;
  input: Execution['input'];
  /** What a webhook was called with; null where something else started it. */
  request: Json;
  fence: string;
  /** Whether nothing of it is in the journal: it has had no lease before, and keeps no results of another. */
  isNew: boolean;
  /** Workers that died with it since it last made progress. */
  crashes: number;
  /** The number of its last event. */
  events: number;
  /** The number of its status. */
  sequence: number;
  createdAt: Date;
  startedAt: Date;
  /** Milliseconds since it was created, when the lease began. */
  ageMs: number;
  /** How often something has happened that a waiting step of it may wait for. */
  signals: number;
  /** The execution that waits for its end, and how many are above it. */
  parentId: string | null;
  depth: number;
  /** What it shares a limit on executions under way with, see `admit.ts`; null without a limit. */
  concurrencyKey: string | null;
};

/** A claimed row. */
export type LeaseRow = {
  id: string;
  team_id: string;
  workflow_id: string;
  version: number | null;
  definition_hash: string;
  trigger: string;
  input: Execution['input'];
  request: Json;
  fence: string;
  is_new: boolean;
  crashes: number;
  events: number;
  sequence: number;
  created_at: Date;
  started_at: Date;
  age_ms: number;
  signals: number;
  parent_id: string | null;
  depth: number;
  concurrency_key: string | null;
};

/** The beginning of a claim by the worker `$1`. */
export const claimed = `
  update executions set
    worker = $1, fence = fence + 1, status = 'running', queue_rank = null, events = events + 1, sequence = events + 1, due_at = now() + interval '${leaseSeconds} seconds',
    crashes = crashes + (status = 'running')::int, started_at = coalesce(started_at, now())`;

/** Its end. */
export const returned = `
  returning id, team_id, workflow_id, version, definition_hash, trigger, input, request, fence, crashes, events, sequence, created_at,
  started_at, started_at = now() and events = 2 as is_new, extract(epoch from now() - created_at)::float8 * 1000 as age_ms, signals, parent_id, depth, concurrency_key`;

const claimOne = `${claimed}
  where id = (select id from executions where id = $2 and due_at <= now() and crashes = 0 for update skip locked)
  ${returned}`;

/** A claimed row as the lease that it is. */
export function leaseOf(row: LeaseRow): Lease {
  return {
    id: row.id,
    teamId: row.team_id,
    workflowId: row.workflow_id,
    version: row.version,
    definitionHash: row.definition_hash,
    trigger: row.trigger,
    input: row.input,
    request: row.request,
    fence: row.fence,
    isNew: row.is_new,
    crashes: row.crashes,
    events: row.events,
    sequence: row.sequence,
    createdAt: row.created_at,
    startedAt: row.started_at,
    ageMs: row.age_ms,
    signals: row.signals,
    parentId: row.parent_id,
    depth: row.depth,
    concurrencyKey: row.concurrency_key,
  };
}

/**
 * Takes one execution if it is due; undefined when another worker has it, it is final, or it was there when a worker died, see
 * `claimSuspect`.
 */
export async function claimHarmless(database: Database, worker: string, id: string): Promise<Lease | undefined> {
  const { rows } = await database.pool.query<LeaseRow>({ name: 'claim-one', text: claimOne, values: [worker, id] });
  return rows[0] && leaseOf(rows[0]);
}

/** Renews this worker's leases in one statement. @returns the ids that it still holds, with their signals so far. */
export async function renewLeases(database: Database, worker: string, ids: string[]): Promise<Map<string, number>> {
  const { rows } = await database.pool.query<{ id: string; signals: number }>({
    name: 'renew-leases',
    text: `update executions set due_at = now() + interval '${leaseSeconds} seconds'
      where id = any($2) and worker = $1 and status = 'running' returning id, signals`,
    values: [worker, ids],
  });
  return new Map(rows.map((row) => [row.id, row.signals]));
}

/**
 * Hands back whatever this worker still holds, so that others take it at once instead of after the lease's end.
 *
 * @returns the ids.
 */
export async function releaseLeases(database: Database, worker: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>({
    name: 'release-leases',
    text: `update executions set
        status = 'pending', queue_rank = priority, worker = null, fence = fence + 1, due_at = now(), events = events + 1, sequence = events + 1
      where worker = $1 and (queue_rank is null) and due_at is not null returning id`,
    values: [worker],
  });
  return rows.map(({ id }) => id);
}
