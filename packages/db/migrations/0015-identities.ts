import { type Kysely, sql } from 'kysely';

/** Identities of accounts at other issuers, the ways there that are under way, and accounts without a password. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table users alter column password_hash drop not null`.execute(db);
  await sql`
    create table identities (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      provider text not null,
      issuer text not null,
      subject text not null,
      label text,
      created_at timestamptz not null default now(),
      last_used_at timestamptz not null default now(),
      unique (issuer, subject)
    )`.execute(db);
  await sql`create index identities_user on identities (user_id, id)`.execute(db);
  await sql`
    create table identity_flows (
      state_hash text primary key,
      browser_hash text not null,
      provider text not null,
      return_to text not null,
      user_id uuid references users on delete cascade,
      session_id text references sessions on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index identity_flows_expiry on identity_flows (expires_at)`.execute(db);
  await sql`create index identity_flows_user on identity_flows (user_id)`.execute(db);
  await sql`create index identity_flows_session on identity_flows (session_id)`.execute(db);
}
