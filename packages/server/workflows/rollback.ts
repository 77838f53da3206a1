import { isDeepStrictEqual } from 'node:util';
import { type Definition, definition } from '@flowplane/contract/definition';
import { Refusal, writePath } from '@flowplane/contract/errors';
import type { Workflow } from '@flowplane/contract/workflow';
import type { workflowRollbackInput } from '@flowplane/contract/workflow-version';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { NodeTypes } from '@flowplane/engine/node-type';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';
import { lockWorkflow } from './lock.ts';
import { type Publisher, publishDraft } from './publish.ts';
import { definitionOfVersion } from './versions.ts';
import { checkDefinition } from './workflows.ts';

function replaceDraft(db: Db, { id, revision }: { id: string; revision: number }, draft: Definition) {
  return db
    .updateTable('workflows')
    .set({ definition: JSON.stringify(draft), revision: revision + 1, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/**
 * Makes the definition of an earlier version the draft, and publishes it as a new version: what was published stays as it was.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `invalid_workflow` when the definition is not valid any more, e.g. because
 *   a node type was removed.
 */
export async function rollBackWorkflow(
  scope: Publisher & { nodeTypes: NodeTypes; webhooks: Webhooks },
  input: z.output<typeof workflowRollbackInput>,
): Promise<Workflow> {
  const { teamId, nodeTypes } = scope;
  const { version, note = `Rolled back to version ${version}` } = input;
  const published = await inTransaction(scope.db, async (db) => {
    const row = await lockWorkflow(db, teamId, input);
    const parsed = definition.safeParse(await definitionOfVersion({ db, teamId }, { id: row.id, version }));
    if (!parsed.success) {
      const errors = parsed.error.issues.map(({ path, message }) => ({
        path: writePath(['definition', ...path]),
        message,
      }));
      throw new Refusal('invalid_workflow', `Version ${version} is not valid any more: ${errors[0]?.message}`, errors);
    }
    checkDefinition(parsed.data, nodeTypes);
    const draft = isDeepStrictEqual(parsed.data, row.definition) ? row : await replaceDraft(db, row, parsed.data);
    return publishDraft({ ...scope, db }, draft, note);
  });
  scope.webhooks.forget();
  return published;
}
