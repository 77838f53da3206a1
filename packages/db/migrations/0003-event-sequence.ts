import { type Kysely, sql } from 'kysely';

/**
 * Numbers for what happens in an execution, so that a stream of it can be resumed; and a workflow's log lines in the order in
 * which they were committed. What was journalled before has no number: streams of older executions tell their status.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table executions add events integer not null default 1, add sequence integer not null default 1`.execute(
    db,
  );
  await sql`alter table steps add sequence integer not null default 0`.execute(db);
  await sql`
    alter table logs add sequence integer not null default 0,
      add workflow_id uuid,
      add txid xid8 not null default pg_current_xact_id()`.execute(db);
  await sql`
    create index logs_workflow on logs (workflow_id, txid, execution_id, position) where workflow_id is not null`.execute(
    db,
  );
}
