import { kindOf } from '@flowplane/contract/credential-kinds';
import type { Definition } from '@flowplane/contract/definition';
import { type FieldError, Refusal } from '@flowplane/contract/errors';
import type { NodeTypes } from '@flowplane/engine/node-type';
import { type CredentialReference, credentialReferences } from '@flowplane/engine/validate/credential-references';
import { credentialsOf, type KnownCredential } from '../credentials/use.ts';
import type { Vault } from '../credentials/vault.ts';

function mistakeOf({ id, use }: CredentialReference, known: KnownCredential | undefined): string | undefined {
  if (!known) return `there is no credential ${id} in this team`;
  const fits = use === 'verify' ? known.kind === 'webhookSecret' : kindOf(known.kind).isSent;
  if (fits) return undefined;
  return use === 'verify'
    ? `is a ${known.kind} credential; signatures are checked with one of the kind webhookSecret`
    : `is a ${known.kind} credential, which requests do not carry`;
}

type Scope = { vault: Pick<Vault, 'database'>; teamId: string; nodeTypes: NodeTypes };

/** Which of the credentials that a definition names are not the team's, or of no kind for what they are to do. */
export async function credentialErrors(
  { vault, teamId, nodeTypes }: Scope,
  definition: Definition,
): Promise<FieldError[]> {
  const references = credentialReferences(definition, nodeTypes);
  if (references.length === 0) return [];
  const known = await credentialsOf(
    vault,
    teamId,
    references.map(({ id }) => id),
  );
  return references.flatMap((reference) => {
    const message = mistakeOf(reference, known.get(reference.id));
    return message === undefined ? [] : [{ path: reference.path, message }];
  });
}

/**
 * Makes sure that the credentials which a definition names are the team's, and of a kind for what they are to do.
 *
 * @throws Refusal `invalid_workflow` naming the fields.
 */
export async function checkCredentials(scope: Scope, definition: Definition): Promise<void> {
  const found = await credentialErrors(scope, definition);
  const errors = found.map(({ path, message }) => ({ path: `definition.${path}`, message }));
  const [first] = errors;
  if (!first) return;
  throw new Refusal('invalid_workflow', `${first.path}: ${first.message}`, errors.slice(0, 50));
}
