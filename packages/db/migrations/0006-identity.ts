import { type Kysely, sql } from 'kysely';

/** Verified emails, named sessions, one-time tokens, key rotation, uses of keys and sessions. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table users add column email_verified_at timestamptz`.execute(db);
  await sql`
    alter table sessions
      add column public_id uuid not null default gen_random_uuid() unique,
      add column last_used_at timestamptz not null default now()`.execute(db);
  await sql`alter table refresh_tokens add column sealed_successor text`.execute(db);
  await sql`create index refresh_tokens_expiry on refresh_tokens (expires_at)`.execute(db);
  await sql`
    alter table api_keys
      add column last_used_at timestamptz,
      add column previous_hash text unique,
      add column previous_until timestamptz`.execute(db);
  await sql`
    alter table signing_keys
      add column signs_from timestamptz not null default now(),
      add column verifies_until timestamptz not null default 'infinity'`.execute(db);
  await sql`
    create table one_time_tokens (
      hash text primary key,
      user_id uuid not null references users on delete cascade,
      purpose text not null,
      email text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index one_time_tokens_user on one_time_tokens (user_id, purpose)`.execute(db);
  await sql`create index one_time_tokens_expiry on one_time_tokens (expires_at)`.execute(db);
}
