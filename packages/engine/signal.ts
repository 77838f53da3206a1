import type { Json } from '@flowplane/contract/json';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import type { Resolution } from './journal/journal.ts';

/**
 * Lets executions look at what their steps wait for. Counted, so that one that is just about to wait looks once more: whoever
 * commits the wait compares the count that it knows.
 */
export async function signalExecutions(db: Db, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update executions set signals = signals + 1, due_at = case when status = 'waiting' then now() else due_at end
    where id in (select id from executions where id = any(${ids}) and due_at is not null order by id for update)`.execute(
    db,
  );
}

/** Something that has happened, for the steps that wait for it. */
export type Happening = { teamId: string; event: string; data: Json };

/**
 * Gives an event to every step of the team that waits for it: the name is the same, and the data contains what its `match` says.
 * To be committed together with the event.
 *
 * @returns the executions to nudge after that commit.
 */
export async function deliverEvent(db: Db, { teamId, event, data }: Happening): Promise<string[]> {
  const outcome = JSON.stringify({ output: data } satisfies Resolution);
  const { rows } = await sql<{ execution_id: string }>`
    update waits set outcome = ${outcome}, resolved_at = now()
    where kind = 'event' and team_id = ${teamId} and event = ${event} and resolved_at is null
      and (expires_at is null or expires_at > now()) and (match = '{}' or ${JSON.stringify(data)}::jsonb @> match)
    returning execution_id`.execute(db);
  const ids = [...new Set(rows.map((row) => row.execution_id))];
  await signalExecutions(db, ids);
  return ids;
}

/** Which approval, and by whom it is decided; nobody when it came by a link. */
export type Decision = { teamId: string; executionId: string; path: string; by: string | null; resolution: Resolution };

/**
 * Decides an approval, once.
 *
 * @returns false when there is none that is open: decided before, too late, or its execution has ended.
 */
export async function decideApproval(
  db: Db,
  { teamId, executionId, path, by, resolution }: Decision,
): Promise<boolean> {
  const { rows } = await sql<{ path: string }>`
    update waits w set outcome = ${JSON.stringify(resolution)}, resolved_at = now(), resolved_by = ${by}
    from executions x
    where w.kind = 'approval' and w.team_id = ${teamId} and w.execution_id = ${executionId} and w.path = ${path}
      and w.resolved_at is null and (w.expires_at is null or w.expires_at > now())
      and x.id = w.execution_id and x.due_at is not null
    returning w.path`.execute(db);
  if (rows.length === 0) return false;
  await signalExecutions(db, [executionId]);
  return true;
}
