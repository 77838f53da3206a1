import type { Database } from '@flowplane/db/database';

// The execution's row first, then its steps: the order in which commits lock them too.
const cancel = `
  with ended as (
    update executions set status = 'cancelled', fence = fence + 1, worker = null, due_at = null, finished_at = now()
    where id = $1 and team_id = $2 and due_at is not null
    returning id
  ), stopped as (
    update steps set status = 'cancelled', finished_at = now()
    where execution_id in (select id from ended) and status in ('running', 'waiting', 'pending')
  )
  select id from ended`;

/** Ends an execution that is not final; from then on no worker can write to it. @returns false when it was final already. */
export async function cancelExecution(database: Database, teamId: string, id: string): Promise<boolean> {
  const { rows } = await database.pool.query({ name: 'cancel-execution', text: cancel, values: [id, teamId] });
  return rows.length > 0;
}
