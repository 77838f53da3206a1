import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';

/** Messages that are over and are removed with each that comes. */
const pruned = 20;

/**
 * The id of the execution for a message: a new one for a message that is new, that of the first when it came before. Whoever
 * has the id starts the execution with it, so that it is started once also when the first caller dies in between.
 *
 * @param message.seconds how long it is remembered.
 */
export async function executionOfMessage(
  db: Db,
  { workflowId, triggerId }: { workflowId: string; triggerId: string },
  message: { key: string; seconds: number },
): Promise<string> {
  const { key, seconds } = message;
  const { rows } = await sql<{ execution_id: string }>`
    with over as (
      delete from webhook_messages where ctid = any(array(
        select ctid from webhook_messages
        where expires_at < now() and (workflow_id, trigger_id, message) <> (${workflowId}, ${triggerId}, ${key})
        limit ${sql.lit(pruned)} for update skip locked))
    )
    insert into webhook_messages as m (workflow_id, trigger_id, message, execution_id, expires_at)
    values (${workflowId}, ${triggerId}, ${key}, ${newId()}, now() + make_interval(secs => ${seconds}))
    on conflict (workflow_id, trigger_id, message) do update set
      execution_id = case when m.expires_at < now() then excluded.execution_id else m.execution_id end,
      expires_at = case when m.expires_at < now() then excluded.expires_at else m.expires_at end
    returning execution_id`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('the message was not stored');
  return row.execution_id;
}
