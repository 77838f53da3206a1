import { type Kysely, sql } from 'kysely';

/**
 * Who did what to what. Rows outlive what they are about, so they refer to nothing; they are never changed, and can be deleted only
 * when they are 30 days old, by whomever.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_events (
      id uuid not null,
      team_id uuid not null,
      user_id uuid,
      email text,
      principal text not null,
      api_key_id uuid,
      api_key_prefix text,
      session_id uuid,
      action text not null,
      resource_type text,
      resource_id text,
      outcome text not null check (outcome in ('done', 'refused')),
      code text,
      details json not null,
      ip text,
      user_agent text,
      request_id text,
      created_at timestamptz not null default now(),
      -- Not the id alone: where there are few teams, PostgreSQL would walk all of them by it to list a small one.
      primary key (team_id, id)
    )`.execute(db);
  for (const column of ['user_id', 'action', 'resource_type', 'resource_id']) {
    await sql`
      create index ${sql.id(`audit_events_${column}`)} on audit_events (team_id, ${sql.id(column)}, id desc)`.execute(
      db,
    );
  }
  await sql`create index audit_events_age on audit_events (created_at)`.execute(db);
  await sql`
    create index audit_events_refused on audit_events (team_id, id desc) where outcome = 'refused'`.execute(db);
  await sql`
    create function keep_audit_events() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        if old.created_at < now() - interval '30 days' then
          return old;
        end if;
        raise exception 'events of the audit log that are younger than 30 days cannot be deleted';
      end if;
      raise exception 'events of the audit log cannot be changed';
    end $$`.execute(db);
  await sql`
    create trigger audit_events_kept before update or delete on audit_events
      for each row execute function keep_audit_events()`.execute(db);
  await sql`
    create trigger audit_events_not_emptied before truncate on audit_events
      for each statement execute function keep_audit_events()`.execute(db);
}
