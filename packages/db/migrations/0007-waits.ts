import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table executions
      add parent_id uuid,
      add parent_path text,
      add on_parent_end text,
      add depth integer not null default 0,
      add signals integer not null default 0`.execute(db);
  await sql`create index executions_parent on executions (parent_id) where parent_id is not null`.execute(db);
  await sql`
    create table waits (
      execution_id uuid not null references executions on delete cascade,
      path text not null,
      team_id uuid not null,
      kind text not null,
      event text,
      match jsonb,
      child_id uuid,
      request json,
      outcome json,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      resolved_at timestamptz,
      resolved_by uuid,
      primary key (execution_id, path)
    )`.execute(db);
  await sql`create index waits_event on waits (team_id, event) where kind = 'event' and resolved_at is null`.execute(
    db,
  );
  await sql`create index waits_approval on waits (team_id, created_at desc, execution_id, path) where kind = 'approval'`.execute(
    db,
  );
}
