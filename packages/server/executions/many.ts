import { Refusal } from '@flowplane/contract/errors';
import type { executionCancelManyInput, executionRedriveInput } from '@flowplane/contract/execution';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import type { z } from 'zod';
import type { Scope } from './executions.ts';
import { matching } from './filter.ts';

/** Executions that are restarted or cancelled in one transaction. */
const batch = 100;

/** Executions that nobody has restarted yet, the oldest first; locked, so that two calls at once do not restart one twice. */
function deadLetters({ db, teamId }: Scope, { limit, from: _, ...filter }: z.output<typeof executionRedriveInput>) {
  return db
    .selectFrom('executions')
    .select(['id', 'workflow_id', 'version', 'definition_hash'])
    .where('team_id', '=', teamId)
    .where(matching(filter))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('executions as again').select('again.id').whereRef('again.restarted_from', '=', 'executions.id'),
        ),
      ),
    )
    .orderBy('id')
    .limit(Math.min(limit, batch))
    .forUpdate()
    .skipLocked()
    .execute();
}

type Redriver = Scope & { engine: Pick<Engine, 'restart'> };

async function redriveBatch(scope: Redriver, input: z.output<typeof executionRedriveInput>): Promise<string[]> {
  const { teamId } = scope;
  const rows = await deadLetters(scope, input);
  return scope.engine.restart(
    scope.db,
    rows.map((row) => ({
      sourceId: row.id,
      teamId,
      workflowId: row.workflow_id,
      version: row.version,
      definitionHash: row.definition_hash,
      from: input.from === 'start' ? 'start' : 'unfinished',
    })),
  );
}

function isFull(error: unknown): boolean {
  return error instanceof Refusal && (error.code === 'queue_full' || error.code === 'quota_reached');
}

/**
 * Restarts executions that ended badly, each on the version that it was of, and none that was restarted before; as many as there
 * is room for. The engine is to be told that they were `restarted` after the commit.
 *
 * @returns the ids of the new ones.
 * @throws Refusal `queue_full` when there is room for none.
 */
export async function redriveExecutions(
  { db, ...team }: Redriver,
  input: z.output<typeof executionRedriveInput>,
): Promise<string[]> {
  const made: string[] = [];
  for (let left = input.limit; left > 0; left = input.limit - made.length) {
    try {
      const some = await inTransaction(db, (tx) => redriveBatch({ db: tx, ...team }, { ...input, limit: left }));
      made.push(...some);
      if (some.length < Math.min(left, batch)) break;
    } catch (error) {
      if (made.length > 0 && isFull(error)) break;
      throw error;
    }
  }
  return made;
}

/** Ends executions that are under way, the oldest first. @returns how many it ended. */
export async function cancelExecutions(
  { db, teamId, engine }: { db: Db; teamId: string; engine: Pick<Engine, 'cancelAll'> },
  { limit, ...filter }: z.output<typeof executionCancelManyInput>,
): Promise<{ cancelled: number }> {
  let cancelled = 0;
  let after: string | undefined;
  for (let looked = 0; looked < limit; ) {
    let query = db
      .selectFrom('executions')
      .select('id')
      .where('team_id', '=', teamId)
      .where('due_at', 'is not', null)
      .where(matching(filter))
      .orderBy('id')
      .limit(Math.min(limit - looked, batch));
    if (after !== undefined) query = query.where('id', '>', after);
    const ids = (await query.execute()).map(({ id }) => id);
    if (ids.length > 0) cancelled += await engine.cancelAll(teamId, ids);
    if (ids.length < batch) break;
    looked += ids.length;
    after = ids.at(-1);
  }
  return { cancelled };
}
