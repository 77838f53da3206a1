import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type {
  Schedule,
  scheduleListInput,
  schedulePreviewInput,
  schedulesOfWorkflowInput,
} from '@flowplane/contract/schedule';
import type { Db } from '@flowplane/db/database';
import type { SchedulesTable } from '@flowplane/db/tables/schedules';
import { inTransaction } from '@flowplane/db/transaction';
import { type Selectable, sql } from 'kysely';
import type { z } from 'zod';
import { noWorkflow } from '../workflows/workflows.ts';
import { cronErrors, slotsAfter } from './cron.ts';
import { databaseNow } from './database-now.ts';
import { fireTime, nextFires, slotAfter } from './fires.ts';
import { timingOf } from './timing.ts';

export type Scope = { db: Db; teamId: string };

type Row = Selectable<SchedulesTable>;

/** Fires that a schedule is shown with, and a preview. */
const shown = { schedule: 5, preview: 10 };

function scheduleOf(row: Row): Schedule {
  return {
    id: row.id,
    workflowId: row.workflow_id,
    triggerId: row.trigger_id,
    cron: row.cron,
    timezone: row.timezone,
    jitterSeconds: row.jitter_seconds,
    overlap: row.overlap,
    catchUp: row.catch_up,
    paused: row.paused,
    nextFireTimes: row.paused ? [] : nextFires(timingOf(row), row.next_fire_at, shown.schedule),
    lastFiredAt: row.last_fired_at,
    lastExecutionId: row.last_execution_id,
  };
}

function noSchedule(id: string): Refusal {
  return new Refusal('not_found', `There is no schedule ${id} in this team.`);
}

/** A page of the team's schedules, or of one workflow's, newest first. */
export async function listSchedules(
  { db, teamId }: Scope,
  { limit, cursor, workflowId }: z.output<typeof scheduleListInput> & { workflowId?: string },
): Promise<{ items: Schedule[]; nextCursor: string | null }> {
  let query = db
    .selectFrom('schedules')
    .selectAll()
    .where('team_id', '=', teamId)
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('id', '<', idOfCursor(cursor));
  if (workflowId) query = query.where('workflow_id', '=', workflowId);
  const rows = await query.execute();
  const items = rows.slice(0, limit).map(scheduleOf);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}

/** A page of a workflow's schedules. @throws Refusal `not_found`. */
export async function schedulesOfWorkflow(
  { db, teamId }: Scope,
  { id, ...page }: z.output<typeof schedulesOfWorkflowInput>,
): Promise<{ items: Schedule[]; nextCursor: string | null }> {
  const workflow = await db
    .selectFrom('workflows')
    .select('id')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!workflow) throw noWorkflow(id);
  return listSchedules({ db, teamId }, { ...page, workflowId: id });
}

/** @throws Refusal `not_found`. */
export async function getSchedule({ db, teamId }: Scope, id: string): Promise<Schedule> {
  const row = await db
    .selectFrom('schedules')
    .selectAll()
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noSchedule(id);
  return scheduleOf(row);
}

/**
 * Stops a schedule from firing, or lets it fire again from now on: what it did not fire meanwhile is not made up for. Pausing
 * a paused one changes nothing.
 *
 * @throws Refusal `not_found`.
 */
export async function pauseSchedule(scope: Scope, { id, paused }: { id: string; paused: boolean }): Promise<Schedule> {
  return inTransaction(scope.db, async (db) => {
    const row = await db
      .selectFrom('schedules')
      .selectAll()
      .where('id', '=', id)
      .where('team_id', '=', scope.teamId)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw noSchedule(id);
    if (row.paused === paused) return scheduleOf(row);
    const timing = timingOf(row);
    const next = slotAfter(timing, await databaseNow(db));
    const updated = await db
      .updateTable('schedules')
      .set({
        paused,
        next_fire_at: next,
        waiting: [],
        due_at: next && !paused ? fireTime(timing, next) : null,
        fence: sql<string>`fence + 1`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return scheduleOf(updated);
  });
}

/** When a cron expression would fire from now on. @throws Refusal `invalid_input` naming the field. */
export async function previewSchedule(
  db: Db,
  times: z.output<typeof schedulePreviewInput>,
): Promise<{ nextFireTimes: Date[] }> {
  const now = await databaseNow(db);
  const errors = cronErrors(times, now);
  const [first] = errors;
  if (first) throw new Refusal('invalid_input', `${first.path}: ${first.message}`, errors);
  return { nextFireTimes: slotsAfter(times, now, shown.preview) };
}
