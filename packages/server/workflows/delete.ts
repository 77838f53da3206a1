import { Refusal } from '@flowplane/contract/errors';
import type { workflowDeleteInput } from '@flowplane/contract/workflow';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';
import { lockWorkflow } from './lock.ts';

async function underWay(tx: Db, id: string): Promise<number> {
  const { count } = await tx
    .selectFrom('executions')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('workflow_id', '=', id)
    .where('due_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/**
 * Deletes a workflow with its versions and executions. With `force`, those that are under way are cancelled first, so that what
 * they called ends too and who waits for them is told.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `workflow_in_use`.
 */
export async function deleteWorkflow(
  { db, teamId, engine, webhooks }: { db: Db; teamId: string; engine: Engine; webhooks: Webhooks },
  input: z.output<typeof workflowDeleteInput>,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    // From here on nothing starts: a start waits for this row, and then finds that it is gone.
    const { id } = await lockWorkflow(tx, teamId, input);
    const live = await underWay(tx, id);
    if (live > 0 && !input.force) {
      const what = live === 1 ? 'an execution' : `${live} executions`;
      throw new Refusal(
        'workflow_in_use',
        `The workflow has ${what} under way (${live}): wait for the end, stop the workflow, or delete it with force.`,
      );
    }
    if (live > 0) await engine.stop(teamId, id);
    await tx.deleteFrom('workflows').where('id', '=', id).execute();
  });
  webhooks.forget();
}
