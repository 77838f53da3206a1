import { isDeepStrictEqual } from 'node:util';
import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type {
  Workflow,
  workflowCreateInput,
  workflowListInput,
  workflowUpdateInput,
} from '@flowplane/contract/workflow';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { WorkflowsTable } from '@flowplane/db/tables/workflows';
import type { NodeTypes } from '@flowplane/engine/node-type';
import { definitionErrors } from '@flowplane/engine/validate';
import { type Selectable, sql } from 'kysely';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';

/** Whose workflows, and with which node types. */
export type Scope = { db: Db; teamId: string; nodeTypes: NodeTypes };

type Row = Selectable<WorkflowsTable>;

export function summaryOf(row: Omit<Row, 'definition' | 'team_id'>): Omit<Workflow, 'definition'> {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    revision: row.revision,
    publishedVersion: row.published_version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function workflowOf(row: Omit<Row, 'team_id'>): Workflow {
  return { ...summaryOf(row), definition: row.definition };
}

export function noWorkflow(id: string): Refusal {
  return new Refusal('not_found', `There is no workflow ${id} in this team.`);
}

function checkDefinition(definition: Workflow['definition'], nodeTypes: NodeTypes): void {
  const errors = definitionErrors(definition, nodeTypes);
  const [first] = errors;
  if (!first) return;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new Refusal(
    'invalid_workflow',
    `${first.path}: ${first.message}${more}`,
    errors.map(({ path, message }) => ({ path: `definition.${path}`, message })),
  );
}

/** @throws Refusal `invalid_workflow` naming node and field. */
export async function createWorkflow(
  { db, teamId, nodeTypes }: Scope,
  input: z.output<typeof workflowCreateInput>,
): Promise<Workflow> {
  checkDefinition(input.definition, nodeTypes);
  const row = await db
    .insertInto('workflows')
    .values({
      id: newId(),
      team_id: teamId,
      name: input.name,
      description: input.description,
      definition: JSON.stringify(input.definition),
      published_version: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return workflowOf(row);
}

/** @throws Refusal `not_found`. */
export async function getWorkflow({ db, teamId }: Pick<Scope, 'db' | 'teamId'>, id: string): Promise<Workflow> {
  const row = await db
    .selectFrom('workflows')
    .selectAll()
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  return workflowOf(row);
}

/** A page of the team's workflows, newest first. */
export async function listWorkflows(
  { db, teamId }: Pick<Scope, 'db' | 'teamId'>,
  { limit, cursor }: z.output<typeof workflowListInput>,
): Promise<{ items: Omit<Workflow, 'definition'>[]; nextCursor: string | null }> {
  let query = db
    .selectFrom('workflows')
    .select(['id', 'name', 'description', 'revision', 'published_version', 'created_at', 'updated_at'])
    .where('team_id', '=', teamId)
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('id', '<', idOfCursor(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map(summaryOf);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}

/**
 * Changes what is given and raises the revision; a change that changes nothing does not.
 *
 * @throws Refusal `not_found`, `invalid_workflow`.
 */
export async function updateWorkflow(
  { db, teamId, nodeTypes }: Scope,
  { id, name, description, definition }: z.output<typeof workflowUpdateInput>,
): Promise<Workflow> {
  if (definition) checkDefinition(definition, nodeTypes);
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('workflows')
      .selectAll()
      .where('id', '=', id)
      .where('team_id', '=', teamId)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw noWorkflow(id);
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
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return workflowOf(updated);
  });
}

/** Deletes a workflow with its versions and executions. @throws Refusal `not_found`. */
export async function deleteWorkflow(
  { db, teamId, webhooks }: Pick<Scope, 'db' | 'teamId'> & { webhooks: Webhooks },
  id: string,
): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('workflows')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw noWorkflow(id);
  webhooks.forget();
}
