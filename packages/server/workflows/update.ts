import { isDeepStrictEqual } from 'node:util';
import type { Workflow, workflowReplaceInput, workflowUpdateInput } from '@flowplane/contract/workflow';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import { checkCredentials } from './check-credentials.ts';
import { lockWorkflow } from './lock.ts';
import { checkDefinition, type Scope, workflowOf } from './workflows.ts';

/**
 * Changes what is given and raises the revision; a change that changes nothing does not.
 *
 * @throws Refusal `not_found`, `invalid_workflow`, `precondition_failed`.
 */
export async function updateWorkflow(scope: Scope, input: z.output<typeof workflowUpdateInput>): Promise<Workflow> {
  const { db, teamId, nodeTypes } = scope;
  const { name, description, definition } = input;
  if (definition) {
    checkDefinition(definition, nodeTypes);
    await checkCredentials(scope, definition);
  }
  return inTransaction(db, async (tx) => {
    const row = await lockWorkflow(tx, teamId, input);
    const next = {
      name: name ?? row.name,
      description: description ?? row.description,
      definition: JSON.stringify(definition ?? row.definition),
    };
    const same = next.name === row.name && next.description === row.description;
    // The order of keys is no change: many languages do not keep it.
    if (same && isDeepStrictEqual(JSON.parse(next.definition), row.definition)) return workflowOf(row);
    const updated = await tx
      .updateTable('workflows')
      .set({ ...next, revision: row.revision + 1, updated_at: sql<Date>`now()` })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return workflowOf(updated);
  });
}

/** Replaces everything that is the caller's to set. What is only for reading may come along, and is not looked at. */
export function replaceWorkflow(scope: Scope, input: z.output<typeof workflowReplaceInput>): Promise<Workflow> {
  const { id, name, description, definition, revision } = input;
  return updateWorkflow(scope, { id, name, description, definition, revision });
}
