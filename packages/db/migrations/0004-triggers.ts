import { type Kysely, sql } from 'kysely';

/** Schedules, events, and what events start. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table schedules (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      workflow_id uuid not null references workflows on delete cascade,
      trigger_id text not null,
      cron text not null,
      timezone text not null,
      jitter_seconds integer not null,
      overlap text not null,
      catch_up text not null,
      input json not null,
      paused boolean not null default false,
      next_fire_at timestamptz,
      waiting timestamptz[] not null default '{}',
      due_at timestamptz,
      fence bigint not null default 1,
      last_fired_at timestamptz,
      last_execution_id uuid,
      unique (workflow_id, trigger_id)
    )`.execute(db);
  await sql`create index schedules_team on schedules (team_id, id desc)`.execute(db);
  await sql`create index schedules_due on schedules (due_at) where due_at is not null`.execute(db);
  await sql`
    create index executions_scheduled on executions (workflow_id, trigger)
      where due_at is not null and trigger like 'schedule:%'`.execute(db);
  await sql`
    create table event_triggers (
      workflow_id uuid not null references workflows on delete cascade,
      trigger_id text not null,
      team_id uuid not null references teams on delete cascade,
      event text not null,
      match text,
      primary key (workflow_id, trigger_id)
    )`.execute(db);
  await sql`create index event_triggers_event on event_triggers (team_id, event)`.execute(db);
  await sql`
    create table events (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      key text not null,
      event text not null,
      data json not null,
      created_at timestamptz not null,
      unique (team_id, key)
    )`.execute(db);
  await sql`create index events_team on events (team_id, id desc)`.execute(db);
  await sql`create index events_name on events (team_id, event, id desc)`.execute(db);
  await sql`create index events_age on events (created_at)`.execute(db);
  await sql`
    create table event_starts (
      event_id uuid not null references events on delete cascade,
      workflow_id uuid not null references workflows on delete cascade,
      trigger_id text not null,
      execution_id uuid not null,
      version integer not null,
      definition_hash text not null,
      due_at timestamptz,
      primary key (event_id, workflow_id, trigger_id)
    )`.execute(db);
  await sql`create index event_starts_due on event_starts (due_at) where due_at is not null`.execute(db);
  await sql`create index event_starts_workflow on event_starts (workflow_id)`.execute(db);
}
