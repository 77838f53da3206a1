import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import type { LimitedPlace } from './queue/concurrency.ts';
import { leaseSeconds } from './queue/lease.ts';

/** An execution that started another, and what becomes of that when it ends first. */
export type Parent = { id: string; path: string; depth: number; onEnd: 'cancel' | 'leave' };

/** A new execution as it goes into the table. */
export type NewExecution = {
  id: string;
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  trigger: string;
  inputText: string;
  /** What a webhook was called with. */
  request: Json | undefined;
  /** The execution that waits for its end. */
  parent: Parent | undefined;
  /** The worker that it is born leased to; null leaves it pending for whoever looks first. */
  worker: string | null;
  /** Which of the team's executions that wait for a worker come first. */
  priority: number;
  /** Undefined where nothing limits it. */
  place: LimitedPlace | undefined;
};

const insert = `
  insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, request, worker, due_at, started_at,
    parent_id, parent_path, on_parent_end, depth, priority, queue_rank, concurrency_key, concurrency_limit, concurrency_policy)
  select d.id, d.team_id, d.workflow_id, d.version, d.definition_hash,
    case when d.worker is null then 'pending' else 'running' end, d.trigger, d.input, d.request, d.worker,
    case when d.concurrency_key is not null then 'infinity' when d.worker is null then now() else now() + interval '${leaseSeconds} seconds' end,
    case when d.worker is null then null else now() end, d.parent_id, d.parent_path, d.on_parent_end, coalesce(d.depth, 0),
    d.priority, case when d.worker is null and d.concurrency_key is null then d.priority end,
    d.concurrency_key, d.concurrency_limit, d.concurrency_policy
  from json_to_recordset($1) as d(id uuid, team_id uuid, workflow_id uuid, version int, definition_hash text, trigger text,
    input json, request json, worker uuid, parent_id uuid, parent_path text, on_parent_end text, depth int, priority smallint,
    concurrency_key text, concurrency_limit int, concurrency_policy text)
  -- A repeat after a lost answer finds its own row.
  on conflict (id) do update set trigger = excluded.trigger
  returning created_at`;

function rowText(row: NewExecution): string {
  const { inputText, ...rest } = row;
  const columns = JSON.stringify({
    id: rest.id,
    team_id: rest.teamId,
    workflow_id: rest.workflowId,
    version: rest.version,
    definition_hash: rest.definitionHash,
    trigger: rest.trigger,
    worker: rest.worker,
    request: rest.request,
    parent_id: rest.parent?.id,
    parent_path: rest.parent?.path,
    on_parent_end: rest.parent?.onEnd,
    depth: rest.parent && rest.parent.depth + 1,
    priority: rest.priority,
    concurrency_key: rest.place?.key,
    concurrency_limit: rest.place?.limit,
    concurrency_policy: rest.place?.policy,
  });
  return `${columns.slice(0, -1)},"input":${inputText}}`;
}

/** Inserts executions in one statement. @returns when each was created, by the database's clock. */
export async function insertExecutions(database: Database, rows: NewExecution[]): Promise<Date[]> {
  const values = [`[${rows.map(rowText).join(',')}]`];
  const result = await database.pool.query<{ created_at: Date }>({ name: 'insert-executions', text: insert, values });
  return result.rows.map((row) => row.created_at);
}
