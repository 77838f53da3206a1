import { type Kysely, sql } from 'kysely';

/** Queues of teams, priorities, and limits on executions under way at once. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table executions
      add priority smallint not null default 5,
      add queue_rank smallint,
      add concurrency_key text,
      add concurrency_limit integer,
      add concurrency_policy text`.execute(db);
  await sql`update executions set queue_rank = priority where status = 'pending' and due_at is not null`.execute(db);
  // What is due but in no queue is found without passing by the queues.
  await sql`drop index executions_due`.execute(db);
  await sql`
    create index executions_due on executions ((queue_rank is null), due_at) where due_at is not null`.execute(db);
  // The rest is of few executions each: the others pay nothing for it.
  await sql`
    create index executions_queue on executions (team_id, queue_rank desc, due_at, id)
      where queue_rank is not null and crashes = 0`.execute(db);
  await sql`
    create index executions_suspect on executions (due_at) where crashes > 0 and due_at is not null`.execute(db);
  await sql`
    create index executions_place on executions (workflow_id, concurrency_key, id)
      where concurrency_key is not null and due_at < 'infinity'`.execute(db);
  await sql`
    create index executions_turn on executions (workflow_id, concurrency_key, priority desc, id) include (team_id)
      where due_at = 'infinity'`.execute(db);
}
