import { type Kysely, sql } from 'kysely';

/** Ids of approvals, restarts of executions, and what their lists are narrowed by. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table waits add id uuid not null default gen_random_uuid()`.execute(db);
  await sql`drop index waits_approval`.execute(db);
  await sql`create unique index waits_approval on waits (team_id, id desc) where kind = 'approval'`.execute(db);
  await sql`create index waits_open_approval on waits (team_id, id desc) where kind = 'approval' and resolved_at is null`.execute(
    db,
  );
  await sql`alter table executions add restarted_from uuid`.execute(db);
  await sql`create index executions_restarts on executions (restarted_from) where restarted_from is not null`.execute(
    db,
  );
  await sql`create index executions_status on executions (team_id, status, id desc) where status in ('failed', 'cancelled')`.execute(
    db,
  );
  await sql`create index executions_error on executions (team_id, (error ->> 'code'), id desc) where status = 'failed'`.execute(
    db,
  );
  await sql`create index executions_open on executions (team_id, id desc) where due_at is not null`.execute(db);
  await sql`create index executions_trigger on executions (team_id, trigger, id desc)`.execute(db);
}
