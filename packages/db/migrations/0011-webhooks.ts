import { type Kysely, sql } from 'kysely';

/** Webhooks with path parameters and signatures, what they were called with, and the messages that were taken. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table webhooks add pattern text, add specificity text, add verify json`.execute(db);
  await sql`update webhooks set specificity = repeat('0', cardinality(string_to_array(path, '/')))`.execute(db);
  await sql`alter table webhooks alter specificity set not null`.execute(db);
  await sql`create index webhooks_pattern on webhooks (team_id, method) where pattern is not null`.execute(db);
  await sql`alter table executions add request json`.execute(db);
  await sql`
    create table webhook_messages (
      workflow_id uuid not null references workflows on delete cascade,
      trigger_id text not null,
      message text not null,
      execution_id uuid not null,
      expires_at timestamptz not null,
      primary key (workflow_id, trigger_id, message)
    )`.execute(db);
  await sql`create index webhook_messages_expiry on webhook_messages (expires_at)`.execute(db);
}
