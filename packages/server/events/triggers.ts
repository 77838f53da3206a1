import type { EventTrigger } from '@flowplane/contract/definition';
import { Refusal } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import type { Db } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { sql } from 'kysely';

/** What an event starts: a trigger of a published version. */
export type Started = { workflow_id: string; trigger_id: string; version: number; definition_hash: string };

/**
 * Makes a workflow's event triggers those of the version that is being published.
 *
 * @throws Refusal `invalid_workflow` when the team has too many on one event.
 */
export async function publishEventTriggers(
  tx: Db,
  { teamId, workflowId }: { teamId: string; workflowId: string },
  triggers: readonly EventTrigger[],
): Promise<void> {
  await tx.deleteFrom('event_triggers').where('workflow_id', '=', workflowId).execute();
  if (triggers.length === 0) return;
  const rows = triggers.map(({ id: trigger_id, event, match = null }) => ({
    workflow_id: workflowId,
    trigger_id,
    team_id: teamId,
    event,
    match,
  }));
  await tx.insertInto('event_triggers').values(rows).execute();
  const full = await tx
    .selectFrom('event_triggers')
    .select('event')
    .where('team_id', '=', teamId)
    .where('event', 'in', [...new Set(triggers.map(({ event }) => event))])
    .groupBy('event')
    .having(sql<number>`count(*)`, '>', limits.triggersOfEvent)
    .executeTakeFirst();
  if (full) {
    const most = limits.triggersOfEvent;
    throw new Refusal(
      'invalid_workflow',
      `The team’s published workflows have ${most} triggers on ${full.event} already.`,
    );
  }
}

/** For all the matches of one event. */
const matchingMs = 10_000;

/**
 * The triggers of a team's published workflows that an event starts.
 *
 * @param event what expressions see as `event`.
 * @throws Refusal `unavailable` when the matches take too long together.
 */
export async function matchingTriggers(
  { db, teamId, engine }: { db: Db; teamId: string; engine: Pick<Engine, 'matches'> },
  event: { event: string } & { [key: string]: Json },
): Promise<Started[]> {
  const triggers = await db
    .selectFrom('event_triggers as e')
    .innerJoin('workflows as w', 'w.id', 'e.workflow_id')
    .innerJoin('workflow_versions as v', (join) =>
      join.onRef('v.workflow_id', '=', 'w.id').onRef('v.version', '=', 'w.published_version'),
    )
    .select(['e.workflow_id', 'e.trigger_id', 'e.match', 'v.version', 'v.definition_hash'])
    .where('e.team_id', '=', teamId)
    .where('e.event', '=', event.event)
    .orderBy('e.workflow_id')
    .orderBy('e.trigger_id')
    .execute();
  const signal = AbortSignal.timeout(matchingMs);
  const verdicts = await Promise.all(
    triggers.map(({ match }) => match === null || engine.matches(teamId, { match, event }, signal)),
  ).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    const why = `The matches of ${triggers.length} triggers on ${event.event} took longer than ${matchingMs / 1_000} s.`;
    throw new Refusal('unavailable', `${why} Nothing was started; make them simpler, or send the event again.`);
  });
  return triggers.filter((_, index) => verdicts[index]).map(({ match: _, ...started }) => started);
}
