import { type FieldError, Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Workflow, workflowCreateInput, workflowListInput } from '@flowplane/contract/workflow';
import type { Database, Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { WorkflowsTable } from '@flowplane/db/tables/workflows';
import type { NodeTypes } from '@flowplane/engine/node-type';
import { definitionErrors } from '@flowplane/engine/validate/validate';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import type { Vault } from '../credentials/vault.ts';
import { scheduleErrors } from '../schedules/schedule-errors.ts';
import { checkCredentials } from './check-credentials.ts';
import { readWorkflow } from './read.ts';

/** Whose workflows, and with which node types and credentials. */
export type Scope = { db: Db; teamId: string; nodeTypes: NodeTypes; vault: Pick<Vault, 'database'> };

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

/** What is wrong with a definition, by node and field. */
export function errorsOf(definition: Workflow['definition'], nodeTypes: NodeTypes): FieldError[] {
  return [...definitionErrors(definition, nodeTypes), ...scheduleErrors(definition.triggers)];
}

/** @throws Refusal `invalid_workflow` naming node and field. */
export function checkDefinition(definition: Workflow['definition'], nodeTypes: NodeTypes): void {
  const errors = errorsOf(definition, nodeTypes);
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
export async function createWorkflow(scope: Scope, input: z.output<typeof workflowCreateInput>): Promise<Workflow> {
  const { db, teamId, nodeTypes } = scope;
  checkDefinition(input.definition, nodeTypes);
  await checkCredentials(scope, input.definition);
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
export async function getWorkflow({ pool }: Pick<Database, 'pool'>, teamId: string, id: string): Promise<Workflow> {
  const row = await readWorkflow(pool, teamId, id);
  if (!row) throw noWorkflow(id);
  return workflowOf(row);
}

/** @throws Refusal `not_found`. */
export async function requireWorkflow({ db, teamId }: Pick<Scope, 'db' | 'teamId'>, id: string): Promise<void> {
  const row = await db
    .selectFrom('workflows')
    .select('id')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
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
