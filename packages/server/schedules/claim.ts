import type { Db } from '@flowplane/db/database';
import type { SchedulesTable } from '@flowplane/db/tables/schedules';
import { type Selectable, sql } from 'kysely';

/** A schedule that is due, what it runs, and the time by the database's clock. */
export type ClaimedSchedule = Selectable<SchedulesTable> & { version: number; definition_hash: string; now: Date };

/** Schedules claimed at once. */
const most = 20;

/** Seconds after which another process looks at a schedule whose claimer has not written what came of it. */
const claimSeconds = 10;

/** Milliseconds until a schedule is due, below zero when one is; undefined when none will be. */
export async function untilDue(db: Db): Promise<number | undefined> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(due_at) - clock_timestamp())::float8 * 1000 as ms
    from schedules where due_at is not null`.execute(db);
  return rows[0]?.ms ?? undefined;
}

/** Takes schedules that are due, which nobody else then looks at for a while. */
export async function claimSchedules(db: Db): Promise<ClaimedSchedule[]> {
  const { rows } = await sql<ClaimedSchedule>`
    update schedules s set due_at = now() + make_interval(secs => ${claimSeconds}), fence = fence + 1
    from workflows w join workflow_versions v on v.workflow_id = w.id and v.version = w.published_version
    where w.id = s.workflow_id and s.id in (
      select id from schedules where due_at <= now() order by due_at limit ${most} for update skip locked
    )
    returning s.*, v.version, v.definition_hash, now()`.execute(db);
  return rows;
}

/** Writes what came of a look, unless somebody has claimed, published or paused the schedule since. */
export async function writeLook(
  db: Db,
  { id, fence }: ClaimedSchedule,
  look: {
    next_fire_at: Date | null;
    waiting: Date[];
    due_at: Date | null;
    fired: { at: Date; executionId: string } | undefined;
  },
): Promise<void> {
  const { fired, ...rest } = look;
  await db
    .updateTable('schedules')
    .set({ ...rest, ...(fired ? { last_fired_at: fired.at, last_execution_id: fired.executionId } : {}) })
    .where('id', '=', id)
    .where('fence', '=', fence)
    .execute();
}

export type Unfinished = { id: string; created_at: Date };

/**
 * The executions of a schedule that are unfinished and were there when it was claimed, oldest first, but the one with the given
 * id. What a scheduler that took over has started since is not looked at.
 */
export async function unfinishedBut(db: Db, claimed: ClaimedSchedule, id: string): Promise<Unfinished[]> {
  const { rows } = await sql<Unfinished>`
    select id, created_at from executions
    where workflow_id = ${claimed.workflow_id} and trigger = ${`schedule:${claimed.trigger_id}`}
      and due_at is not null and trigger like 'schedule:%' and id <> ${id}
      -- The time came as whole milliseconds.
      and created_at <= ${claimed.now}::timestamptz + interval '1 ms'
    order by created_at limit 1000`.execute(db);
  return rows;
}
