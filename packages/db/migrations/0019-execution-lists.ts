import { type Kysely, sql } from 'kysely';

/** Executions of each status in the order of their list: those that have ended, and those under way, however many wait. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`drop index executions_status`.execute(db);
  await sql`create index executions_status on executions (team_id, status, id desc)
    where status in ('completed', 'failed', 'cancelled')`.execute(db);
  await sql`drop index executions_open`.execute(db);
  await sql`create index executions_open on executions (team_id, status, id desc) where due_at is not null`.execute(db);
}
