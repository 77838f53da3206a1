import { Refusal } from '@flowplane/contract/errors';
import type { Database, Db } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { startExecution } from '../executions/start.ts';
import { createPoll, type Poll } from '../poll.ts';
import { type ClaimedSchedule, claimSchedules, unfinishedBut, untilDue, writeLook } from './claim.ts';
import { dueSlots, fireTime } from './fires.ts';
import { slotExecutionId } from './slot-id.ts';
import { lookAgainAt, startPlan, withDue } from './start-plan.ts';
import { timingOf } from './timing.ts';

type Deps = { db: Db; engine: Pick<Engine, 'start' | 'cancel'> };

async function startSlot({ engine }: Deps, claimed: ClaimedSchedule, slot: Date): Promise<string | undefined> {
  const { team_id: teamId, workflow_id: workflowId, trigger_id: triggerId, version } = claimed;
  const id = slotExecutionId({ workflowId, triggerId }, slot);
  const request = {
    id,
    teamId,
    workflowId,
    version,
    definitionHash: claimed.definition_hash,
    trigger: `schedule:${triggerId}`,
    input: { ...claimed.input, scheduledAt: slot.toISOString() },
  };
  try {
    await startExecution(engine, request);
    return id;
  } catch (error) {
    if (isPastQuota(error)) return undefined;
    throw error;
  }
}

/** Whether a guest may start no more. The slot is left out then: tried again, it would take what the next day has. */
function isPastQuota(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'quota_reached';
}

/** Starts what a claimed schedule has to start now, and writes when it is to be looked at again. */
async function look(deps: Deps, claimed: ClaimedSchedule): Promise<void> {
  const { overlap, now } = claimed;
  const timing = timingOf(claimed);
  const { due, next } = dueSlots({ ...timing, catchUp: claimed.catch_up }, claimed.next_fire_at, now);
  const candidates = withDue(claimed.waiting, due);
  const candidate = overlap === 'cancel-previous' ? candidates.at(-1) : candidates[0];
  // Who was killed after the start left this slot's own execution behind.
  const own =
    candidate && slotExecutionId({ workflowId: claimed.workflow_id, triggerId: claimed.trigger_id }, candidate);
  const unfinished = own ? await unfinishedBut(deps.db, claimed, own) : [];
  const { start, cancelUnfinished, waiting } = startPlan(overlap, candidates, unfinished.length > 0);
  if (cancelUnfinished) for (const { id } of unfinished) await deps.engine.cancel(claimed.team_id, id);
  const executionId = start && (await startSlot(deps, claimed, start));
  const again = waiting.length > 0 ? lookAgainAt(now, start ? undefined : unfinished.at(-1)?.created_at) : null;
  const dueTimes = [again, next && fireTime(timing, next)].filter((at) => at instanceof Date);
  await writeLook(deps.db, claimed, {
    next_fire_at: next,
    waiting,
    due_at: dueTimes.length > 0 ? new Date(Math.min(...dueTimes.map(Number))) : null,
    fired: executionId === undefined ? undefined : { at: now, executionId },
  });
}

/**
 * Looks once at what is due. One slot of a schedule is started at a time; the others are due at once.
 *
 * @returns ms until the next is due, as far as it is known.
 */
export async function lookAtSchedules(deps: Deps, onError: (error: unknown) => void): Promise<number> {
  const ms = await untilDue(deps.db);
  if (ms === undefined || ms > 0) return ms ?? Number.POSITIVE_INFINITY;
  const claimed = await claimSchedules(deps.db);
  const looks = await Promise.allSettled(claimed.map((schedule) => look(deps, schedule)));
  // The claim runs out, and somebody looks again.
  for (const result of looks) if (result.status === 'rejected') onError(result.reason);
  // Nothing to claim means that others are at it.
  return claimed.length > 0 ? 0 : 100;
}

/**
 * Starts the executions of schedules. Any number of processes may do so on one database: a slot has one execution, also when
 * one is killed between starting it and writing that it has. All times are the database's.
 */
export function createScheduler(options: {
  database: Database;
  engine: Pick<Engine, 'start' | 'cancel'>;
  onError: (error: unknown, where: string) => void;
}): Poll {
  const deps = { db: options.database.db, engine: options.engine };
  const onError = (error: unknown) => options.onError(error, 'schedules');
  return createPoll({ look: () => lookAtSchedules(deps, onError), onError });
}
