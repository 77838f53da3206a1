import { type FieldError, Refusal } from '@flowplane/contract/errors';
import type { Workflow } from '@flowplane/contract/workflow';
import type { ExportedCredential, workflowImportInput } from '@flowplane/contract/workflow-export';
import { credentialReferences } from '@flowplane/engine/validate/credential-references';
import type { z } from 'zod';
import { replaceCredentials } from './replace-credentials.ts';
import { createWorkflow, type Scope } from './workflows.ts';

type Import = z.output<typeof workflowImportInput>;
type Credential = { id: string; name: string; kind: string };

/** What is inconsistent in the document itself: a credential's id of somewhere else, or a ref that means nothing. */
function documentErrors({ definition, credentials, mapping }: Import, { nodeTypes }: Scope): FieldError[] {
  const refs = new Set(credentials.map(({ ref }) => ref));
  const twice = credentials.flatMap(({ ref }, index) =>
    credentials.findIndex((other) => other.ref === ref) < index
      ? [{ path: `credentials[${index}].ref`, message: 'another credential has this ref too' }]
      : [],
  );
  const undeclared = credentialReferences(definition, nodeTypes)
    .filter(({ id }) => !refs.has(id))
    .map(({ path }) => ({ path: `definition.${path}`, message: 'must be the ref of one of `credentials`' }));
  const useless = Object.keys(mapping)
    .filter((ref) => !refs.has(ref))
    .map((ref) => ({ path: `mapping.${ref}`, message: 'must be the ref of one of `credentials`' }));
  return [...twice, ...undeclared, ...useless];
}

async function candidates({ db, teamId }: Scope, needed: ExportedCredential[], ids: string[]): Promise<Credential[]> {
  if (needed.length === 0) return [];
  const names = needed.map(({ name }) => name);
  return db
    .selectFrom('credentials')
    .select(['id', 'name', 'kind'])
    .where('team_id', '=', teamId)
    .where((eb) => eb.or([eb('name', 'in', names), ...(ids.length > 0 ? [eb('id', 'in', ids)] : [])]))
    .execute();
}

function choose(
  { ref, name, kind }: ExportedCredential,
  chosen: string | undefined,
  own: Credential[],
): { id: string } | { error: FieldError } {
  const wrong = (message: string) => ({ error: { path: `mapping.${ref}`, message } });
  if (chosen === undefined) {
    const same = own.filter((each) => each.name === name && each.kind === kind);
    const [only] = same;
    if (only && same.length === 1) return { id: only.id };
    const many =
      same.length > 1 ? `there are ${same.length} of this name and kind` : 'there is none of this name and kind';
    return wrong(`say which credential stands for ${name} (${kind}): ${many}`);
  }
  const found = own.find(({ id }) => id === chosen);
  if (!found) return wrong(`there is no credential ${chosen} in this team`);
  return found.kind === kind ? { id: found.id } : wrong(`must be of the kind ${kind}; ${found.name} is ${found.kind}`);
}

/**
 * Makes a workflow of an exported one.
 *
 * @throws Refusal `unmapped_credentials` naming each credential that has to be chosen, `invalid_input` when the document names
 *   credentials that it does not list, `invalid_workflow`.
 */
export async function importWorkflow(scope: Scope, input: Import): Promise<Workflow> {
  const { name, description, definition, credentials, mapping } = input;
  const inconsistent = documentErrors(input, scope);
  if (inconsistent[0]) {
    throw new Refusal('invalid_input', `${inconsistent[0].path}: ${inconsistent[0].message}`, inconsistent);
  }
  const used = new Set(credentialReferences(definition, scope.nodeTypes).map(({ id }) => id));
  const needed = credentials.filter(({ ref }) => used.has(ref));
  const own = await candidates(scope, needed, Object.values(mapping));
  const choices = needed.map((credential) => ({
    ref: credential.ref,
    choice: choose(credential, mapping[credential.ref], own),
  }));
  const errors = choices.flatMap(({ choice }) => ('error' in choice ? [choice.error] : []));
  if (errors[0]) throw new Refusal('unmapped_credentials', `${errors[0].path}: ${errors[0].message}`, errors);
  const by = new Map(choices.flatMap(({ ref, choice }) => ('id' in choice ? [[ref, choice.id] as const] : [])));
  return createWorkflow(scope, { name, description, definition: replaceCredentials(definition, by, scope.nodeTypes) });
}
