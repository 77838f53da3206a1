import { createHash } from 'node:crypto';
import type { Definition } from '@flowplane/contract/definition';
import type { Workflow, workflowPublishInput } from '@flowplane/contract/workflow';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';
import { lockWorkflow } from './lock.ts';
import { workflowOf } from './workflows.ts';

/** Keeps a definition under its content's hash, for versions and executions to name. @returns the hash. */
export async function keepDefinition(db: Db, teamId: string, definition: Definition): Promise<string> {
  const body = JSON.stringify(definition);
  const hash = createHash('sha256').update(body).digest('hex');
  await db
    .insertInto('definitions')
    .values({ team_id: teamId, hash, body })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return hash;
}

/**
 * Makes the draft the version that triggers run. Publishing a draft that is published already changes nothing. Where another
 * workflow has a webhook on the same path, the later publication answers there.
 *
 * @throws Refusal `not_found`, `precondition_failed`.
 */
export async function publishWorkflow(
  scope: { db: Db; teamId: string; userId: string; webhooks: Webhooks },
  input: z.output<typeof workflowPublishInput>,
): Promise<Workflow> {
  const { teamId, userId } = scope;
  const published = await inTransaction(scope.db, async (db) => {
    const row = await lockWorkflow(db, teamId, input);
    const { id } = row;
    const hash = await keepDefinition(db, teamId, row.definition);
    const newest = await db
      .selectFrom('workflow_versions')
      .select(['version', 'definition_hash'])
      .where('workflow_id', '=', id)
      .orderBy('version', 'desc')
      .executeTakeFirst();
    if (newest?.definition_hash === hash) return workflowOf(row);

    const version = (newest?.version ?? 0) + 1;
    await db
      .insertInto('workflow_versions')
      .values({ workflow_id: id, version, team_id: teamId, definition_hash: hash, published_by: userId })
      .execute();
    await db.deleteFrom('webhooks').where('workflow_id', '=', id).execute();
    const webhooks = row.definition.triggers.map(({ id: trigger_id, method, path, respond }) => ({
      workflow_id: id,
      trigger_id,
      team_id: teamId,
      method,
      path,
      respond,
      published_at: sql<Date>`clock_timestamp()`,
    }));
    if (webhooks.length > 0) await db.insertInto('webhooks').values(webhooks).execute();
    const updated = await db
      .updateTable('workflows')
      .set({ published_version: version, revision: row.revision + 1, updated_at: sql<Date>`now()` })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return workflowOf(updated);
  });
  scope.webhooks.forget();
  return published;
}
