import type { apiKeyRotateInput, apiKeyWithSecret } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { newSecret, sha256 } from '../secrets.ts';
import { requireWithin } from './api-key-limits.ts';
import { apiKeyPrefix } from './api-key-principal.ts';
import { apiKeyColumns, forgetApiKey, shownApiKey } from './api-keys.ts';

/**
 * Gives an API key of the caller a new secret. The old one works for `overlapSeconds` more; one from an earlier rotation no longer.
 *
 * @returns the new key: only here.
 * @throws Refusal `not_found` for a key that is unknown, somebody else's, revoked or expired, `forbidden` to a key that may do less.
 */
export async function rotateApiKey(
  auth: Auth,
  principal: Principal,
  { id, overlapSeconds }: z.output<typeof apiKeyRotateInput>,
): Promise<z.output<typeof apiKeyWithSecret>> {
  const key = newSecret(apiKeyPrefix);
  const { before, row } = await inTransaction(auth.database.db, async (tx) => {
    const before = await tx
      .selectFrom('api_keys')
      .select(['hash', 'previous_hash', 'scopes', 'tier', 'expires_at'])
      .where('id', '=', id)
      .where('team_id', '=', principal.teamId)
      .where('user_id', '=', principal.userId)
      .where('revoked_at', 'is', null)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
      .forUpdate()
      .executeTakeFirst();
    if (!before) throw new Refusal('not_found', 'You have no such API key.');
    requireWithin(principal, before);
    const row = await tx
      .updateTable('api_keys')
      .set({
        prefix: key.slice(0, 16),
        hash: sha256(key),
        previous_hash: overlapSeconds > 0 ? before.hash : null,
        previous_until: overlapSeconds > 0 ? sql<Date>`now() + make_interval(secs => ${overlapSeconds})` : null,
      })
      .where('id', '=', id)
      .returning(apiKeyColumns)
      .executeTakeFirstOrThrow();
    return { before, row };
  });
  forgetApiKey(auth, before);
  return { ...shownApiKey(row), key };
}
