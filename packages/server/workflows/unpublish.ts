import type { Workflow } from '@flowplane/contract/workflow';
import type { workflowUnpublishInput } from '@flowplane/contract/workflow-version';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';
import { lockWorkflow } from './lock.ts';
import { publishTriggers } from './publish.ts';
import { type Scope, workflowOf } from './workflows.ts';

/**
 * Takes a workflow's published version back: its triggers start nothing any more. What is under way goes on, and its versions
 * stay. Unpublishing what is not published changes nothing.
 *
 * @throws Refusal `not_found`, `precondition_failed`.
 */
export async function unpublishWorkflow(
  { db, teamId, webhooks }: Pick<Scope, 'db' | 'teamId'> & { webhooks: Webhooks },
  input: z.output<typeof workflowUnpublishInput>,
): Promise<Workflow> {
  const unpublished = await inTransaction(db, async (tx) => {
    const row = await lockWorkflow(tx, teamId, input);
    if (row.published_version === null) return workflowOf(row);
    await publishTriggers(tx, { teamId, workflowId: row.id }, []);
    const updated = await tx
      .updateTable('workflows')
      .set({ published_version: null, revision: row.revision + 1, updated_at: sql<Date>`now()` })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return workflowOf(updated);
  });
  webhooks.forget();
  return unpublished;
}
