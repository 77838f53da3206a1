import type { Definition } from '@flowplane/contract/definition';
import { Refusal } from '@flowplane/contract/errors';
import type {
  WorkflowVersion,
  WorkflowVersionSummary,
  workflowVersionInput,
  workflowVersionsInput,
} from '@flowplane/contract/workflow-version';
import type { z } from 'zod';
import { requireWorkflow, type Scope } from './workflows.ts';

type Team = Pick<Scope, 'db' | 'teamId'>;
type Row = {
  version: number;
  published_at: Date;
  note: string | null;
  user_id: string | null;
  user_name: string | null;
};

function noVersion({ id, version }: { id: string; version: number }): Refusal {
  return new Refusal('not_found', `The workflow ${id} has no version ${version}.`);
}

function summaryOf(row: Row): WorkflowVersionSummary {
  const { version, published_at: publishedAt, note, user_id: id, user_name: name } = row;
  return { version, publishedAt, publishedBy: id === null || name === null ? null : { id, name }, note };
}

function versionsOf({ db, teamId }: Team, id: string) {
  return db
    .selectFrom('workflow_versions as v')
    .leftJoin('users as u', 'u.id', 'v.published_by')
    .select(['v.version', 'v.published_at', 'v.note', 'u.id as user_id', 'u.name as user_name'])
    .where('v.workflow_id', '=', id)
    .where('v.team_id', '=', teamId);
}

/** A page of a workflow's versions, newest first. @throws Refusal `not_found`. */
export async function listVersions(
  team: Team,
  { id, limit, cursor }: z.output<typeof workflowVersionsInput>,
): Promise<{ items: WorkflowVersionSummary[]; nextCursor: string | null }> {
  await requireWorkflow(team, id);
  let query = versionsOf(team, id)
    .orderBy('v.version', 'desc')
    .limit(limit + 1);
  if (cursor !== undefined) query = query.where('v.version', '<', Number(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map(summaryOf);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? String(last.version) : null };
}

/** @throws Refusal `not_found` for the workflow, or a version that it does not have. */
export async function getVersion(
  team: Team,
  { id, version }: z.output<typeof workflowVersionInput>,
): Promise<WorkflowVersion> {
  await requireWorkflow(team, id);
  const row = await versionsOf(team, id)
    .innerJoin('definitions as d', (join) =>
      join.onRef('d.team_id', '=', 'v.team_id').onRef('d.hash', '=', 'v.definition_hash'),
    )
    .select('d.body')
    .where('v.version', '=', version)
    .executeTakeFirst();
  if (!row) throw noVersion({ id, version });
  return { ...summaryOf(row), definition: row.body };
}

/** @throws Refusal `not_found`. */
export async function definitionOfVersion(team: Team, of: { id: string; version: number }): Promise<Definition> {
  return (await getVersion(team, of)).definition;
}
