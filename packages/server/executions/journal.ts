import type { executionLogsInput, executionStepsInput, LogLine, Step } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { z } from 'zod';
import { noExecution, type Scope } from './executions.ts';

async function checkOwner({ db, teamId }: Scope, id: string): Promise<void> {
  const row = await db
    .selectFrom('executions')
    .select('id')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noExecution(id);
}

/** The cursor after the last of `limit` rows, or null when there were no more. */
function nextPosition(rows: { position: number }[], limit: number): string | null {
  const last = rows[limit - 1];
  return rows.length > limit && last ? String(last.position) : null;
}

/** What is shown of a row of the journal. */
export type StepRow = {
  path: string;
  node_id: string;
  type: string;
  status: Step['status'];
  attempt: number;
  input: Json;
  output: Json;
  error: Step['error'];
  progress: Json;
  started_at: Date | null;
  finished_at: Date | null;
};

/** A row of the journal as every face shows it. */
export function stepOf(row: StepRow): Step {
  return {
    path: row.path,
    nodeId: row.node_id,
    type: row.type,
    status: row.status,
    attempt: row.attempt,
    input: row.input,
    output: row.output,
    error: row.error,
    progress: row.progress,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}

/** A page of the journal, in the order in which it was written. @throws Refusal `not_found`. */
export async function listSteps(
  scope: Scope,
  { id, limit, cursor }: z.output<typeof executionStepsInput>,
): Promise<{ items: Step[]; nextCursor: string | null }> {
  await checkOwner(scope, id);
  const rows = await scope.db
    .selectFrom('steps')
    .selectAll()
    .where('execution_id', '=', id)
    .where('position', '>', cursor === undefined ? -1 : Number(cursor))
    .orderBy('position')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(stepOf);
  return { items, nextCursor: nextPosition(rows, limit) };
}

/** A page of what the execution logged, oldest first. @throws Refusal `not_found`. */
export async function listLogs(
  scope: Scope,
  { id, limit, cursor }: z.output<typeof executionLogsInput>,
): Promise<{ items: LogLine[]; nextCursor: string | null }> {
  await checkOwner(scope, id);
  const rows = await scope.db
    .selectFrom('logs')
    .selectAll()
    .where('execution_id', '=', id)
    .where('position', '>', cursor === undefined ? -1 : Number(cursor))
    .orderBy('position')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(({ path, level, message, data, at }) => ({ path, level, message, data, at }));
  return { items, nextCursor: nextPosition(rows, limit) };
}
