import { Refusal } from '@flowplane/contract/errors';
import type { Execution, executionListInput } from '@flowplane/contract/execution';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Database, Db } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { readExecution } from '@flowplane/engine/execution';
import type { z } from 'zod';
import { matching } from './filter.ts';

export type Scope = { db: Db; teamId: string };

export function noExecution(id: string): Refusal {
  return new Refusal('not_found', `There is no execution ${id} in this team.`);
}

/** @throws Refusal `not_found`. */
export async function getExecution(database: Database, teamId: string, id: string): Promise<Execution> {
  const execution = await readExecution(database, teamId, id);
  if (!execution) throw noExecution(id);
  return execution;
}

/** A page of the team's executions, newest first, narrowed by what is named. */
export async function listExecutions(
  { db, teamId }: Scope,
  { limit, cursor, ...filter }: z.output<typeof executionListInput>,
): Promise<{ items: Omit<Execution, 'input' | 'output'>[]; nextCursor: string | null }> {
  let query = db
    .selectFrom('executions')
    .select([
      'id',
      'workflow_id',
      'version',
      'status',
      'trigger',
      'restarted_from',
      'error',
      'created_at',
      'started_at',
    ])
    .select('finished_at')
    .where('team_id', '=', teamId)
    .where(matching(filter))
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('id', '<', idOfCursor(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map((row) => ({
    id: row.id,
    workflowId: row.workflow_id,
    version: row.version,
    status: row.status,
    trigger: row.trigger,
    restartedFrom: row.restarted_from,
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }));
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}

/**
 * Ends an execution for good. Cancelling a cancelled one changes nothing.
 *
 * @throws Refusal `not_found`, `already_finished`.
 */
export async function cancelExecution(engine: Engine, teamId: string, id: string): Promise<Execution> {
  const cancelled = await engine.cancel(teamId, id);
  // Read on the engine's connections too: a keyed call holds one of the requests' for as long as this takes.
  const execution = await engine.wait(teamId, id, 0);
  if (!execution) throw noExecution(id);
  if (!cancelled && execution.status !== 'cancelled') {
    throw new Refusal(
      'already_finished',
      `The execution has ${execution.status === 'failed' ? 'failed' : 'completed'} already.`,
    );
  }
  return execution;
}
