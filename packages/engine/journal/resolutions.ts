import type { Database } from '@flowplane/db/database';
import type { Resolution } from './journal.ts';

/** What a wait `w` has come to, in SQL; `c` is the execution that it waits for, if it does. Null when that is still open. */
export const resolution = `
  case
    when w.outcome is not null then w.outcome
    when c.status = 'completed' then json_build_object('output', c.output)
    when c.status = 'failed' then json_build_object('error', json_build_object('code', 'call_failed',
      'message', 'The execution ' || c.id || ' failed: ' || coalesce(c.error ->> 'message', 'no reason is known')))
    when c.status = 'cancelled' then json_build_object('error', json_build_object('code', 'call_cancelled',
      'message', 'The execution ' || c.id || ' was cancelled.'))
    when w.kind = 'call' and c.id is null then json_build_object('error', json_build_object('code', 'call_cancelled',
      'message', 'The execution ' || w.child_id || ' was deleted with its workflow.'))
  end`;

/** What the open waits of an execution have come to so far, by the paths of their steps. */
export async function resolutionsOf(database: Database, executionId: string): Promise<Map<string, Resolution>> {
  const { rows } = await database.pool.query<{ path: string; resolution: Resolution | null }>({
    name: 'resolutions',
    text: `select w.path, ${resolution} as resolution from waits w left join executions c on c.id = w.child_id
      where w.execution_id = $1`,
    values: [executionId],
  });
  return new Map(rows.flatMap(({ path, resolution: found }) => (found ? [[path, found] as const] : [])));
}
