import type { ScheduleTrigger } from '@flowplane/contract/definition';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { type RawBuilder, sql } from 'kysely';
import { databaseNow } from './database-now.ts';
import { fireTime, slotAfter } from './fires.ts';

function proposed<Value>(column: string): RawBuilder<Value> {
  return sql<Value>`excluded.${sql.ref(column)}`;
}

/**
 * Makes a workflow's schedules those of the version that is being published. A schedule that was there goes on: paused when it
 * was, and with its next fire and those that wait when its times are the same.
 */
export async function publishSchedules(
  tx: Db,
  { teamId, workflowId }: { teamId: string; workflowId: string },
  triggers: readonly ScheduleTrigger[],
): Promise<void> {
  const before = await tx
    .selectFrom('schedules')
    .select(['id', 'trigger_id', 'cron', 'timezone', 'jitter_seconds', 'paused', 'next_fire_at', 'waiting', 'due_at'])
    .where('workflow_id', '=', workflowId)
    .forUpdate()
    .execute();
  const gone = before.filter((row) => !triggers.some(({ id }) => id === row.trigger_id)).map(({ id }) => id);
  if (gone.length > 0) await tx.deleteFrom('schedules').where('id', 'in', gone).execute();
  if (triggers.length === 0) return;

  const now = await databaseNow(tx);
  const rows = triggers.map(({ id: triggerId, cron, timezone, jitterSeconds, overlap, catchUp, input }) => {
    const old = before.find((row) => row.trigger_id === triggerId);
    const id = old?.id ?? newId();
    const same = old?.cron === cron && old.timezone === timezone && old.jitter_seconds === jitterSeconds;
    const next = slotAfter({ cron, timezone }, now);
    const fresh = {
      next_fire_at: next,
      waiting: [],
      due_at: next && !old?.paused ? fireTime({ id, cron, timezone, jitterSeconds }, next) : null,
    };
    return {
      id,
      team_id: teamId,
      workflow_id: workflowId,
      trigger_id: triggerId,
      cron,
      timezone,
      jitter_seconds: jitterSeconds,
      overlap,
      catch_up: catchUp,
      input: JSON.stringify(input),
      ...(old && same ? { next_fire_at: old.next_fire_at, waiting: old.waiting, due_at: old.due_at } : fresh),
    };
  });
  await tx
    .insertInto('schedules')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['workflow_id', 'trigger_id']).doUpdateSet({
        cron: proposed('cron'),
        timezone: proposed('timezone'),
        jitter_seconds: proposed('jitter_seconds'),
        overlap: proposed('overlap'),
        catch_up: proposed('catch_up'),
        input: proposed('input'),
        next_fire_at: proposed('next_fire_at'),
        waiting: proposed('waiting'),
        due_at: proposed('due_at'),
        fence: sql<string>`schedules.fence + 1`,
      }),
    )
    .execute();
}
