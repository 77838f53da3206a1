import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/** The time by the database's clock, which all schedules and events go by. */
export async function databaseNow(db: Db): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('the database has no time');
  return row.now;
}
