import { Refusal } from '@flowplane/contract/errors';
import type { EventSummary, eventListInput, ReceivedEvent } from '@flowplane/contract/event';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import type { z } from 'zod';

export type Scope = { db: Db; teamId: string };

const executions = sql<string[]>`array(select execution_id from event_starts where event_id = events.id order by 1)`;

/** A page of the team's events, of one name where given, newest first. */
export async function listEvents(
  { db, teamId }: Scope,
  { limit, cursor, event }: z.output<typeof eventListInput>,
): Promise<{ items: EventSummary[]; nextCursor: string | null }> {
  let query = db
    .selectFrom('events')
    .select(['id', 'key', 'event', 'created_at', executions.as('executions')])
    .where('team_id', '=', teamId)
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('id', '<', idOfCursor(cursor));
  if (event) query = query.where('event', '=', event);
  const rows = await query.execute();
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((row) => ({ id: row.key, event: row.event, at: row.created_at, executions: row.executions })),
    nextCursor: rows.length > limit && last ? cursorOf(last.id) : null,
  };
}

/** @throws Refusal `not_found`. */
export async function getEvent({ db, teamId }: Scope, id: string): Promise<ReceivedEvent> {
  const row = await db
    .selectFrom('events')
    .select(['key', 'event', 'data', 'created_at', executions.as('executions')])
    .where('team_id', '=', teamId)
    .where('key', '=', id)
    .executeTakeFirst();
  if (!row) throw new Refusal('not_found', `There is no event ${id} in this team.`);
  return { id: row.key, event: row.event, data: row.data, at: row.created_at, executions: row.executions };
}
