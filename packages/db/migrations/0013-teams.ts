import { type Kysely, sql } from 'kysely';

/** Teams that change, roles of their own, invitations, and slugs that nobody else gets. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table teams
      add revision integer not null default 1,
      add updated_at timestamptz not null default now()`.execute(db);
  await sql`
    create table team_roles (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      name text not null,
      description text not null,
      permissions text[] not null,
      revision integer not null default 1,
      unique (team_id, name),
      unique (team_id, id)
    )`.execute(db);
  await sql`
    alter table memberships
      alter role drop not null,
      add role_id uuid,
      add foreign key (team_id, role_id) references team_roles (team_id, id),
      add check ((role is null) <> (role_id is null))`.execute(db);
  await sql`create index memberships_team on memberships (team_id, user_id desc)`.execute(db);
  await sql`create index memberships_role on memberships (role_id) where role_id is not null`.execute(db);
  await sql`
    create table team_invitations (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      email text not null,
      role text,
      role_id uuid,
      hash text not null unique,
      invited_by uuid references users on delete set null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      unique (team_id, email),
      foreign key (team_id, role_id) references team_roles (team_id, id),
      check ((role is null) <> (role_id is null))
    )`.execute(db);
  await sql`create index team_invitations_team on team_invitations (team_id, id desc)`.execute(db);
  await sql`create index team_invitations_expiry on team_invitations (expires_at)`.execute(db);
  await sql`create index team_invitations_role on team_invitations (role_id) where role_id is not null`.execute(db);
  await sql`create index team_invitations_sender on team_invitations (invited_by)`.execute(db);
  await sql`
    create table former_slugs (
      slug text primary key,
      team_id uuid references teams on delete set null,
      left_at timestamptz not null default now()
    )`.execute(db);
  await sql`create index former_slugs_team on former_slugs (team_id)`.execute(db);
  await sql`create index sessions_team on sessions (team_id)`.execute(db);
  // A call with a key that deletes its own team is kept for a day like any other.
  await sql`alter table idempotency_keys drop constraint idempotency_keys_team_id_fkey`.execute(db);
}
