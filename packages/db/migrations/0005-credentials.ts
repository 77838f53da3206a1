import { type Kysely, sql } from 'kysely';

/** Credentials, and which secrets outside of the database are to be removed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table credentials (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      name text not null,
      kind text not null,
      allowed_hosts text[] not null,
      fields text[] not null,
      key_id text,
      sealed text,
      reference text unique,
      revision integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      last_used_at timestamptz,
      check ((sealed is null) <> (reference is null)),
      check ((sealed is null) = (key_id is null))
    )`.execute(db);
  await sql`create index credentials_team on credentials (team_id, id desc)`.execute(db);
  await sql`create index credentials_key on credentials (key_id, id)`.execute(db);
  await sql`
    create table secret_removals (
      reference text primary key,
      due_at timestamptz not null
    )`.execute(db);
  await sql`create index secret_removals_due on secret_removals (due_at)`.execute(db);
  // Here and not in the statements that delete, because rows also go with their team.
  await sql`
    create function remove_secret_later() returns trigger language plpgsql as $$
    begin
      insert into secret_removals (reference, due_at) values (old.reference, now()) on conflict do nothing;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger credentials_deleted after delete on credentials
    for each row when (old.reference is not null) execute function remove_secret_later()`.execute(db);
  await sql`
    create trigger credentials_moved after update on credentials
    for each row when (old.reference is not null and old.reference is distinct from new.reference)
    execute function remove_secret_later()`.execute(db);
}
