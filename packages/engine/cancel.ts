import type { Database, Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/** Closes what the journal of an execution that has ended still shows as under way. */
export async function stopSteps(db: Db, executionId: string): Promise<void> {
  await db
    .updateTable('steps')
    .set({ status: 'cancelled', finished_at: sql<Date>`now()` })
    .where('execution_id', '=', executionId)
    .where('status', 'in', ['pending', 'running', 'waiting'])
    .execute();
}

/** Ends an execution that is not final; from then on no worker can write to it. @returns false when it was final already. */
export async function cancelExecution(database: Database, teamId: string, id: string): Promise<boolean> {
  return database.db.transaction().execute(async (db) => {
    // Waits for a commit under way; the steps that it writes are only seen by a statement that begins after it.
    const ended = await db
      .updateTable('executions')
      .set({ status: 'cancelled', fence: sql`fence + 1`, worker: null, due_at: null, finished_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('team_id', '=', teamId)
      .where('due_at', 'is not', null)
      .returning('id')
      .executeTakeFirst();
    if (ended) await stopSteps(db, id);
    return ended !== undefined;
  });
}
