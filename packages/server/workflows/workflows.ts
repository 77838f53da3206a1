import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type {
  Workflow,
  workflowCreateInput,
  workflowDeleteInput,
  workflowListInput,
} from '@flowplane/contract/workflow';
import type { Database, Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { WorkflowsTable } from '@flowplane/db/tables/workflows';
import { inTransaction } from '@flowplane/db/transaction';
import type { NodeTypes } from '@flowplane/engine/node-type';
import { definitionErrors } from '@flowplane/engine/validate';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';
import { lockWorkflow } from './lock.ts';

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

/** @throws Refusal `invalid_workflow` naming node and field. */
export function checkDefinition(definition: Workflow['definition'], nodeTypes: NodeTypes): void {
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

/** Written and named by hand: compiling it from the builder took longer than all else that is ours of a `get`. */
const readWorkflow = {
  name: 'read-workflow',
  text: `select id, name, description, definition, revision, published_version, created_at, updated_at
    from workflows where id = $1 and team_id = $2`,
};

/** @throws Refusal `not_found`. */
export async function getWorkflow({ pool }: Pick<Database, 'pool'>, teamId: string, id: string): Promise<Workflow> {
  const { rows } = await pool.query<Omit<Row, 'team_id'>>({ ...readWorkflow, values: [id, teamId] });
  const [row] = rows;
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

/** Deletes a workflow with its versions and executions. @throws Refusal `not_found`, `precondition_failed`. */
export async function deleteWorkflow(
  { db, teamId, webhooks }: Pick<Scope, 'db' | 'teamId'> & { webhooks: Webhooks },
  input: z.output<typeof workflowDeleteInput>,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await lockWorkflow(tx, teamId, input);
    await tx.deleteFrom('workflows').where('id', '=', id).execute();
  });
  webhooks.forget();
}
