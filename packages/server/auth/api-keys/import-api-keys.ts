import type { apiKeyImported, apiKeyImportInput } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { newId } from '@flowplane/db/id';
import { inTransaction } from '@flowplane/db/transaction';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { requireOwner } from '../owner.ts';
import { expiryFor, scopesFor, tierFor } from './api-key-limits.ts';
import { apiKeyColumns, shownApiKey } from './api-keys.ts';
import { requireRoomForKeys } from './room-for-keys.ts';

/**
 * Takes over API keys from elsewhere as keys of the caller, by their SHA-256: whoever has one goes on with it, in `X-API-Key`. Only
 * for the instance's owner, because only they can know that the keys were random: what is guessed opens the account.
 *
 * @throws Refusal `forbidden` to anybody else and for scopes or a tier beyond the caller's, `conflict` when one is known already,
 *   `quota_reached` when these are too many: then none is taken over.
 */
export async function importApiKeys(
  auth: Auth,
  principal: Principal,
  { keys }: z.output<typeof apiKeyImportInput>,
): Promise<z.output<typeof apiKeyImported>> {
  await requireOwner(auth, principal);
  const values = keys.map(({ name, hash, prefix, scopes, tier, expiresAt }) => ({
    id: newId(),
    team_id: principal.teamId,
    user_id: principal.userId,
    name,
    prefix,
    hash,
    scopes: scopesFor(principal, scopes),
    tier: tierFor(principal, tier),
    expires_at: expiryFor(principal, expiresAt),
  }));
  return inTransaction(auth.database.db, async (tx) => {
    await requireRoomForKeys(tx, principal.userId, values.length);
    const hashes = values.map(({ hash }) => hash);
    const rotated = await tx.selectFrom('api_keys').select('id').where('previous_hash', 'in', hashes).execute();
    const rows = await tx
      .insertInto('api_keys')
      .values(values)
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .returning(apiKeyColumns)
      .execute();
    if (rotated.length > 0 || rows.length < values.length) {
      throw new Refusal('conflict', 'One of these keys is known already, or named twice: none was taken over.');
    }
    return { items: rows.map(shownApiKey) };
  });
}
