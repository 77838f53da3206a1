import type { Definition } from '@flowplane/contract/definition';
import { Refusal } from '@flowplane/contract/errors';
import { exportFormat, type WorkflowExport, type workflowExportInput } from '@flowplane/contract/workflow-export';
import { credentialReferences } from '@flowplane/engine/validate/credential-references';
import type { z } from 'zod';
import { replaceCredentials } from './replace-credentials.ts';
import { noWorkflow, type Scope } from './workflows.ts';

/** The n-th reference of an export: a UUID, because that is what a definition holds, that no credential has. */
function refOf(index: number): string {
  return `00000000-0000-4000-8000-${(index + 1).toString(16).padStart(12, '0')}`;
}

type Named = { id: string; name: string; kind: WorkflowExport['credentials'][number]['kind'] };

async function credentialsOf({ db, teamId, nodeTypes }: Scope, definition: Definition): Promise<Named[]> {
  const references = credentialReferences(definition, nodeTypes);
  const ids = [...new Set(references.map(({ id }) => id))];
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('credentials')
    .select(['id', 'name', 'kind'])
    .where('team_id', '=', teamId)
    .where('id', 'in', ids)
    .execute();
  const found = new Map(rows.map((row) => [row.id, row]));
  const missing = references.filter(({ id }) => !found.has(id));
  if (missing.length > 0) {
    throw new Refusal(
      'invalid_workflow',
      'The workflow names credentials that are not there any more; choose others before you export it.',
      missing.map(({ path }) => ({ path: `definition.${path}`, message: 'there is no such credential' })),
    );
  }
  return ids.flatMap((id) => found.get(id) ?? []);
}

/**
 * A workflow's draft as a document without ids of this team's credentials, and without any of their values.
 *
 * @throws Refusal `not_found`, `invalid_workflow` when a credential that it names is gone.
 */
export async function exportWorkflow(
  scope: Scope,
  { id }: z.output<typeof workflowExportInput>,
): Promise<WorkflowExport> {
  const row = await scope.db
    .selectFrom('workflows')
    .select(['name', 'description', 'definition'])
    .where('id', '=', id)
    .where('team_id', '=', scope.teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  const used = await credentialsOf(scope, row.definition);
  const refs = new Map(used.map((credential, index) => [credential.id, refOf(index)]));
  return {
    format: exportFormat,
    name: row.name,
    description: row.description,
    definition: replaceCredentials(row.definition, refs, scope.nodeTypes),
    credentials: used.map(({ name, kind }, index) => ({ ref: refOf(index), name, kind })),
  };
}
