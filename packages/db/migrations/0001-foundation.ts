import { type Kysely, sql } from 'kysely';

/** Accounts, workflows, executions and the journal. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table users (
      id uuid primary key,
      email text not null unique,
      name text not null,
      password_hash text not null,
      is_owner boolean not null default false,
      tier text not null default 'basic',
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table teams (
      id uuid primary key,
      name text not null,
      slug text not null unique,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table memberships (
      team_id uuid not null references teams on delete cascade,
      user_id uuid not null references users on delete cascade,
      role text not null,
      created_at timestamptz not null default now(),
      primary key (user_id, team_id)
    )`.execute(db);
  await sql`
    create table sessions (
      id text primary key,
      user_id uuid not null references users on delete cascade,
      team_id uuid not null references teams on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      absolute_expires_at timestamptz not null,
      user_agent text,
      ip text
    )`.execute(db);
  await sql`create index sessions_user on sessions (user_id)`.execute(db);
  await sql`create index sessions_expiry on sessions (expires_at)`.execute(db);
  await sql`
    create table refresh_tokens (
      hash text primary key,
      session_id text not null references sessions on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      used_at timestamptz
    )`.execute(db);
  await sql`create index refresh_tokens_session on refresh_tokens (session_id)`.execute(db);
  await sql`
    create table api_keys (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      user_id uuid not null references users on delete cascade,
      name text not null,
      prefix text not null,
      hash text not null unique,
      scopes text[] not null,
      tier text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      revoked_at timestamptz
    )`.execute(db);
  await sql`create index api_keys_owner on api_keys (team_id, user_id, id desc)`.execute(db);
  await sql`
    create table signing_keys (
      kid text primary key,
      public_jwk json not null,
      sealed_private_jwk text not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table definitions (
      team_id uuid not null references teams on delete cascade,
      hash text not null,
      body json not null,
      created_at timestamptz not null default now(),
      primary key (team_id, hash)
    )`.execute(db);
  await sql`
    create table workflows (
      id uuid primary key,
      team_id uuid not null references teams on delete cascade,
      name text not null,
      description text not null,
      definition json not null,
      revision integer not null default 1,
      published_version integer,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`.execute(db);
  await sql`create index workflows_team on workflows (team_id, id desc)`.execute(db);
  await sql`
    create table workflow_versions (
      workflow_id uuid not null references workflows on delete cascade,
      version integer not null,
      team_id uuid not null,
      definition_hash text not null,
      published_by uuid references users on delete set null,
      published_at timestamptz not null default now(),
      primary key (workflow_id, version),
      foreign key (team_id, definition_hash) references definitions
    )`.execute(db);
  await sql`
    create table webhooks (
      workflow_id uuid not null references workflows on delete cascade,
      trigger_id text not null,
      team_id uuid not null references teams on delete cascade,
      method text not null,
      path text not null,
      respond text not null,
      published_at timestamptz not null default now(),
      primary key (workflow_id, trigger_id)
    )`.execute(db);
  await sql`create index webhooks_path on webhooks (team_id, path, method, published_at desc)`.execute(db);
  await sql`
    create table executions (
      id uuid primary key,
      team_id uuid not null,
      workflow_id uuid not null references workflows on delete cascade,
      version integer,
      definition_hash text not null,
      status text not null,
      trigger text not null,
      input json,
      output json,
      error json,
      worker uuid,
      fence bigint not null default 1,
      due_at timestamptz,
      crashes integer not null default 0,
      created_at timestamptz not null default now(),
      started_at timestamptz,
      finished_at timestamptz
    )`.execute(db);
  await sql`create index executions_team on executions (team_id, id desc)`.execute(db);
  await sql`create index executions_workflow on executions (workflow_id, id desc)`.execute(db);
  await sql`create index executions_due on executions (due_at) where due_at is not null`.execute(db);
  await sql`
    create table steps (
      execution_id uuid not null references executions on delete cascade,
      path text not null,
      position integer not null,
      node_id text not null,
      type text not null,
      status text not null,
      attempt integer not null,
      port text,
      input json,
      output json,
      error json,
      wake_at timestamptz,
      started_at timestamptz,
      finished_at timestamptz,
      primary key (execution_id, path)
    )`.execute(db);
  await sql`
    create table logs (
      execution_id uuid not null references executions on delete cascade,
      position integer not null,
      path text not null,
      level text not null,
      message text not null,
      data json,
      at timestamptz not null,
      primary key (execution_id, position)
    )`.execute(db);
}
