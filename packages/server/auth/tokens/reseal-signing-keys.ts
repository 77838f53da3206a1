import type { Db } from '@flowplane/db/database';
import { deriveKey, seal, unseal } from '../seal.ts';
import { lockKeys } from './key-ring.ts';

/** As in `key-ring.ts`. */
const purpose = 'flowplane signing keys';

function opened(key: Uint8Array, sealed: string, kid: string): string | undefined {
  try {
    return unseal(key, sealed, kid);
  } catch {
    return undefined;
  }
}

/**
 * Seals the signing keys with SECRET_KEY that the one before it sealed, so that access tokens outlive the change. Those that
 * neither opens stay as they are. To be called before the keys are read; may be repeated.
 */
export async function resealSigningKeys(
  db: Db,
  { secretKey, previousSecretKey }: { secretKey: string; previousSecretKey: string },
): Promise<void> {
  const key = deriveKey(secretKey, purpose);
  const previous = deriveKey(previousSecretKey, purpose);
  await db.transaction().execute(async (tx) => {
    await lockKeys(tx);
    const rows = await tx.selectFrom('signing_keys').select(['kid', 'sealed_private_jwk']).execute();
    for (const { kid, sealed_private_jwk: sealed } of rows) {
      const text = opened(key, sealed, kid) === undefined ? opened(previous, sealed, kid) : undefined;
      if (text === undefined) continue;
      const resealed = { sealed_private_jwk: seal(key, text, kid) };
      await tx.updateTable('signing_keys').set(resealed).where('kid', '=', kid).execute();
    }
  });
}
