import { Refusal } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import type { Db } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { sql } from 'kysely';
import { startExecution } from '../executions/start.ts';

/** Seconds after which another process starts what who took an event has not. */
const patienceSeconds = 10;

/** Starts at once. */
const most = 100;

/** When starts are somebody else's to make. */
export const laterDue = sql<Date>`now() + make_interval(secs => ${patienceSeconds})`;

/** What expressions see as `event`, and executions as `input`. */
export type EventInput = { event: string; data: Json; id: string; at: string };

/** @param row the event as it is stored. */
export function eventInput(row: { event: string; data: Json; key: string; created_at: Date }): EventInput {
  return { event: row.event, data: row.data, id: row.key, at: row.created_at.toISOString() };
}

/** Starts the executions of an event that are not started yet; however often it is called, there is one of each. */
export async function startOfEvent(
  { db, engine }: { db: Db; engine: Pick<Engine, 'start'> },
  eventId: string,
): Promise<void> {
  const event = await db.selectFrom('events').selectAll().where('id', '=', eventId).executeTakeFirst();
  if (!event) return;
  const input = eventInput(event);
  const starts = await db
    .selectFrom('event_starts')
    .selectAll()
    .where('event_id', '=', eventId)
    .where('due_at', 'is not', null)
    .execute();
  const made = await Promise.allSettled(
    starts.map((start) =>
      startExecution(engine, {
        id: start.execution_id,
        teamId: event.team_id,
        workflowId: start.workflow_id,
        version: start.version,
        definitionHash: start.definition_hash,
        trigger: `event:${start.trigger_id}`,
        input,
      }),
    ),
  );
  const failures = made.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  // The event is stored: what the queue has no room for is started later, and is not its sender's to repeat.
  if (failures.length > 0 && failures.every((error) => error instanceof Refusal && error.code === 'queue_full')) return;
  if (failures.length > 0) throw failures[0];
  await db.updateTable('event_starts').set({ due_at: null }).where('event_id', '=', eventId).execute();
}

/** Takes events whose executions should have been started by now. @returns their ids. */
export async function claimLateEvents(db: Db): Promise<string[]> {
  const { rows } = await sql<{ event_id: string }>`
    update event_starts set due_at = ${laterDue}
    where (event_id, workflow_id, trigger_id) in (
      select event_id, workflow_id, trigger_id from event_starts where due_at <= now()
      order by due_at limit ${most} for update skip locked
    )
    returning event_id`.execute(db);
  return [...new Set(rows.map((row) => row.event_id))];
}
