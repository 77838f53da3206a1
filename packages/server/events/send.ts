import type { EventSent, eventSendInput } from '@flowplane/contract/event';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import type { z } from 'zod';
import { databaseNow } from '../schedules/database-now.ts';
import { checkInputSize } from '../workflows/input-size.ts';
import { eventInput, laterDue, startOfEvent } from './starts.ts';
import { matchingTriggers, type Started } from './triggers.ts';

type Scope = { db: Db; teamId: string; engine: Pick<Engine, 'matches' | 'start'> };

type StoredEvent = { id: string; team_id: string; key: string; event: string; data: string; created_at: Date };

async function sentBefore(db: Db, teamId: string, key: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('events')
    .select('id')
    .where('team_id', '=', teamId)
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.id;
}

/** What a stored event does, committed together with it. */
async function take(tx: Db, event: StoredEvent, triggers: Started[]): Promise<void> {
  const ids = [...new Set(triggers.map((trigger) => trigger.workflow_id))];
  if (ids.length === 0) return;
  // Locked until the commit: one may have been deleted since it was found.
  const there = await tx
    .selectFrom('workflows')
    .select('id')
    .where('id', 'in', ids)
    .orderBy('id')
    .forKeyShare()
    .execute();
  const present = new Set(there.map((workflow) => workflow.id));
  const kept = triggers.filter((trigger) => present.has(trigger.workflow_id));
  const starts = kept.map((trigger) => ({
    ...trigger,
    event_id: event.id,
    execution_id: newId(),
    due_at: laterDue,
  }));
  if (starts.length > 0) await tx.insertInto('event_starts').values(starts).execute();
}

/** Stores an event with what it does. @returns false when another call has stored it meanwhile. */
async function store(db: Db, event: StoredEvent, triggers: Started[]): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const inserted = await tx
      .insertInto('events')
      .values(event)
      .onConflict((conflict) => conflict.columns(['team_id', 'key']).doNothing())
      .returning('id')
      .executeTakeFirst();
    if (inserted) await take(tx, event, triggers);
    return inserted !== undefined;
  });
}

/**
 * Stores an event and starts every published workflow of the team that has a matching trigger. An event that was sent before is
 * the one that is kept, whatever comes with it now; what it had not started yet is started.
 *
 * @param scope.reservedId the id that the event must have when the sender names none, for a call that may be repeated.
 * @throws Refusal `payload_too_large`.
 */
export async function sendEvent(
  { db, teamId, engine, reservedId }: Scope & { reservedId: string | undefined },
  { event, data, id: named }: z.output<typeof eventSendInput>,
): Promise<EventSent> {
  const key = named ?? reservedId ?? newId();
  let id = named === undefined && reservedId === undefined ? undefined : await sentBefore(db, teamId, key);
  if (id === undefined) {
    const created_at = await databaseNow(db);
    const input = eventInput({ event, data, key, created_at });
    checkInputSize(input);
    const row = { id: newId(), team_id: teamId, key, event, data: JSON.stringify(data), created_at };
    const stored = await store(db, row, await matchingTriggers({ db, teamId, engine }, input));
    id = stored ? row.id : await sentBefore(db, teamId, key);
  }
  if (id === undefined) return { id: key, executions: [] };
  await startOfEvent({ db, engine }, id);
  const starts = await db.selectFrom('event_starts').select('execution_id').where('event_id', '=', id).execute();
  return { id: key, executions: starts.map((start) => start.execution_id).sort() };
}
