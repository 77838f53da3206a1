import { type Kysely, sql } from 'kysely';

/** What finds a workflow's oldest finished executions, and how long it keeps them; and what is to end with its caller. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index executions_finished on executions (workflow_id, finished_at) where finished_at is not null`.execute(
    db,
  );
  await sql`
    create index executions_called on executions (parent_id) where due_at is not null and on_parent_end = 'cancel'`.execute(
    db,
  );
  await sql`
    alter table definitions
      add retention_days integer generated always as ((body -> 'retention' ->> 'days')::integer) stored`.execute(db);
}
