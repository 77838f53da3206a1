import { Refusal } from '@flowplane/contract/errors';
import type { WebhookVerification } from '@flowplane/contract/webhook';
import { usableValues } from '../credentials/stored-values.ts';
import { noteUse } from '../credentials/use.ts';
import type { Vault } from '../credentials/vault.ts';
import { type SignedMessage, type SignedRequest, signedMessage } from './signature.ts';

/** One message for everything that may be wrong: what is right about a forgery is not told. */
const refusal = 'The signature is missing or not valid, or the message is too old or too new.';

/** The secrets that a webhook accepts: those credentials that are still there and can be read. */
async function secretsOf(vault: Vault, teamId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await vault.database.db
    .selectFrom('credentials')
    .select(['id', 'team_id', 'kind', 'key_id', 'sealed', 'reference', 'last_used_at'])
    .where('team_id', '=', teamId)
    .where('kind', '=', 'webhookSecret')
    .where('id', 'in', ids)
    .execute();
  const secrets: string[] = [];
  for (const row of rows) {
    try {
      const { secret } = await usableValues(vault, row, []);
      if (secret !== undefined) secrets.push(secret);
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'credential_unreadable')) throw error;
    }
  }
  for (const row of secrets.length > 0 ? rows : []) await noteUse(vault, row);
  return secrets;
}

/**
 * Makes sure that a request comes from who has one of the webhook's secrets, and is of this time.
 *
 * @throws Refusal `invalid_signature`; `unavailable` when the secrets cannot be read now.
 */
export async function verifyRequest(
  vault: Vault,
  { teamId, verify }: { teamId: string; verify: WebhookVerification },
  request: SignedRequest,
): Promise<SignedMessage> {
  const secrets = await secretsOf(vault, teamId, [verify.credentialId, ...(verify.previousCredentialIds ?? [])]);
  const message = signedMessage(verify, request, { secrets, now: Date.now() });
  if (message) return message;
  throw new Refusal('invalid_signature', refusal);
}
