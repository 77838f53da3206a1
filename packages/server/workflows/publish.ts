import type { Trigger, WebhookTrigger } from '@flowplane/contract/definition';
import type { Workflow, workflowPublishInput } from '@flowplane/contract/workflow';
import type { Db } from '@flowplane/db/database';
import type { WorkflowsTable } from '@flowplane/db/tables/workflows';
import { inTransaction } from '@flowplane/db/transaction';
import { keepDefinition } from '@flowplane/engine/definitions';
import type { NodeTypes } from '@flowplane/engine/node-type';
import { type Selectable, sql } from 'kysely';
import type { z } from 'zod';
import type { Vault } from '../credentials/vault.ts';
import { publishEventTriggers } from '../events/triggers.ts';
import { addressRow } from '../hooks/address.ts';
import type { Webhooks } from '../hooks/webhooks.ts';
import { publishSchedules } from '../schedules/publish.ts';
import { checkCredentials } from './check-credentials.ts';
import { lockWorkflow } from './lock.ts';
import { workflowOf } from './workflows.ts';

async function publishWebhooks(
  db: Db,
  { teamId, workflowId }: { teamId: string; workflowId: string },
  triggers: readonly WebhookTrigger[],
): Promise<void> {
  await db.deleteFrom('webhooks').where('workflow_id', '=', workflowId).execute();
  const webhooks = triggers.map(({ id: trigger_id, respond, verify, ...address }) => ({
    workflow_id: workflowId,
    trigger_id,
    team_id: teamId,
    ...addressRow(address),
    respond,
    verify: verify ? JSON.stringify(verify) : null,
    published_at: sql<Date>`clock_timestamp()`,
  }));
  if (webhooks.length > 0) await db.insertInto('webhooks').values(webhooks).execute();
}

/** Makes the triggers of a workflow that start executions those given, or none at all. */
export async function publishTriggers(
  db: Db,
  of: { teamId: string; workflowId: string },
  triggers: readonly Trigger[],
): Promise<void> {
  await publishWebhooks(
    db,
    of,
    triggers.filter((trigger) => trigger.type === 'webhook'),
  );
  await publishSchedules(
    db,
    of,
    triggers.filter((trigger) => trigger.type === 'schedule'),
  );
  await publishEventTriggers(
    db,
    of,
    triggers.filter((trigger) => trigger.type === 'event'),
  );
}

/** Who publishes, for which team, and with which credentials. */
export type Publisher = {
  db: Db;
  teamId: string;
  userId: string;
  nodeTypes: NodeTypes;
  vault: Pick<Vault, 'database'>;
};

/**
 * Makes the draft of a locked workflow its next version, unless it is the published one already. Versions that were are never
 * changed: what is published again, after a rollback or when it was unpublished, is a new version.
 */
export async function publishDraft(
  publisher: Publisher,
  row: Selectable<WorkflowsTable>,
  note: string | undefined,
): Promise<Workflow> {
  const { db, teamId, userId } = publisher;
  const { id } = row;
  await checkCredentials(publisher, row.definition);
  const hash = await keepDefinition(db, teamId, row.definition);
  const newest = await db
    .selectFrom('workflow_versions')
    .select(['version', 'definition_hash'])
    .where('workflow_id', '=', id)
    .orderBy('version', 'desc')
    .executeTakeFirst();
  const isPublished = newest !== undefined && newest.version === row.published_version;
  if (isPublished && newest.definition_hash === hash) return workflowOf(row);

  const version = (newest?.version ?? 0) + 1;
  await db
    .insertInto('workflow_versions')
    .values({
      workflow_id: id,
      version,
      team_id: teamId,
      definition_hash: hash,
      published_by: userId,
      note: note ?? null,
    })
    .execute();
  await publishTriggers(db, { teamId, workflowId: id }, row.definition.triggers);
  const updated = await db
    .updateTable('workflows')
    .set({ published_version: version, revision: row.revision + 1, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return workflowOf(updated);
}

/**
 * Makes the draft the version that triggers run. Publishing a draft that is published already changes nothing. Where another
 * workflow has a webhook on the same path, the later publication answers there.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `invalid_workflow` for too many triggers on one event.
 */
export async function publishWorkflow(
  scope: Publisher & { webhooks: Webhooks },
  input: z.output<typeof workflowPublishInput>,
): Promise<Workflow> {
  const published = await inTransaction(scope.db, async (db) => {
    const row = await lockWorkflow(db, scope.teamId, input);
    return publishDraft({ ...scope, db }, row, input.note);
  });
  scope.webhooks.forget();
  return published;
}
