import type { Failure } from '@flowplane/contract/execution';
import type { Database, Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { signalExecutions } from './signal.ts';

/** Which executions end: a team's, or one as the holder of its lease knows it. */
export type Ending = { ids: string[]; teamId: string } | { ids: string[]; fence: string };

type EndedRow = {
  id: string;
  workflow_id: string;
  finished_at: Date;
  parent_id: string | null;
  concurrency_key: string | null;
};

/** How they end. */
export type Ended = { status: 'cancelled'; error?: Failure } | { status: 'failed'; error: Failure };

/** One that was ended; `concurrencyKey` is what it had a place of. */
export type EndedExecution = {
  id: string;
  workflowId: string;
  finishedAt: Date;
  parentId: string | null;
  concurrencyKey: string | null;
};

/**
 * Ends executions that are not final, other than by a worker's commit: closes what their journals still show as under way, and
 * from then on no worker can write to them. Their last events are the stopped steps, the status and `done`.
 *
 * @returns those that it ended, and when.
 */
export function endExecutions(database: Database, ending: Ending, ended: Ended): Promise<EndedExecution[]> {
  return database.db.transaction().execute((db) => endWithin(db, ending, ended));
}

/** The same as part of a transaction. */
export async function endWithin(db: Db, ending: Ending, { status, error }: Ended): Promise<EndedExecution[]> {
  if (ending.ids.length === 0) return [];
  // Waits for commits under way; the steps that they write are only seen by a statement that begins after them.
  const { rows: held } = await sql<{ id: string }>`
      select id from executions
      where id = any(${ending.ids}) and due_at is not null
        and ${'teamId' in ending ? sql`team_id = ${ending.teamId}` : sql`fence = ${ending.fence}`}
      order by id for update`.execute(db);
  if (held.length === 0) return [];
  const ids = held.map(({ id }) => id);
  await sql`
      update steps s set status = 'cancelled', finished_at = now(), sequence = stopped.sequence
      from (
        select execution_id, path, x.events + row_number() over (partition by execution_id order by position) as sequence
        from steps join executions x on x.id = execution_id
        where execution_id = any(${ids}) and steps.status in ('pending', 'running', 'waiting')
      ) stopped
      where s.execution_id = stopped.execution_id and s.path = stopped.path`.execute(db);
  const { rows } = await sql<EndedRow>`
      update executions x set
        status = ${status}, error = ${error ? JSON.stringify(error) : null}, fence = fence + 1, worker = null, due_at = null, queue_rank = null,
        finished_at = now(), sequence = numbered.last + 1, events = numbered.last + 2
      from (
        select id, greatest(events, (select max(sequence) from steps where execution_id = id)) as last
        from executions where id = any(${ids})
      ) numbered
      where x.id = numbered.id
      returning x.id, x.workflow_id, x.finished_at, x.parent_id, x.concurrency_key`.execute(db);
  await signalExecutions(
    db,
    rows.flatMap((row) => row.parent_id ?? []),
  );
  return rows.map((row) => ({
    id: row.id,
    workflowId: row.workflow_id,
    finishedAt: row.finished_at,
    parentId: row.parent_id,
    concurrencyKey: row.concurrency_key,
  }));
}

/** Executions under way that are to end with the ones that started them. */
export async function childrenToEnd(database: Database, parentIds: string[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>({
    name: 'children-to-end',
    text: `select id from executions where parent_id = any($1) and on_parent_end = 'cancel' and due_at is not null`,
    values: [parentIds],
  });
  return rows.map(({ id }) => id);
}

/** Up to `most` of a workflow's executions that are not final. */
export async function unfinishedExecutions(
  database: Database,
  { teamId, workflowId, most }: { teamId: string; workflowId: string; most: number },
): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>({
    name: 'unfinished-executions',
    text: `select id from executions
      where due_at is not null and workflow_id = $1 and team_id = $2 order by due_at limit $3`,
    values: [workflowId, teamId, most],
  });
  return rows.map(({ id }) => id);
}
