import { type Kysely, sql } from 'kysely';

/** Answers of keyed writes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table idempotency_keys (
      team_id uuid not null references teams on delete cascade,
      user_id uuid not null references users on delete cascade,
      procedure text not null,
      key text not null,
      input_hash text not null,
      sealed_output text,
      resource_id uuid,
      created_at timestamptz not null default now(),
      primary key (user_id, team_id, procedure, key)
    )`.execute(db);
  await sql`create index idempotency_keys_age on idempotency_keys (created_at)`.execute(db);
}
