import type { Db } from '@flowplane/db/database';
import { afterCommit, inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { Auth } from '../auth.ts';
import { type KeyRing, lockKeys, readKeys } from './key-ring.ts';
import { makeSigningKey } from './signing-key.ts';
import { accessTokenMinutes } from './tokens.ts';

/** How long (seconds) others may keep the public keys. */
export const jwksMaxAge = 300;

/** Minutes from when a key is public until it signs: longer than anybody keeps the public keys, and than we keep them ourselves. */
const noticeMinutes = 10;
/** Minutes for clocks that differ. */
const slackMinutes = 5;

async function replace(tx: Db, { sealingKey }: KeyRing, { immediately }: { immediately: boolean }) {
  const notice = immediately ? 0 : noticeMinutes;
  const overlap = immediately ? 0 : noticeMinutes + accessTokenMinutes + slackMinutes;
  await tx
    .updateTable('signing_keys')
    .set({ verifies_until: sql<Date>`least(verifies_until, now() + make_interval(mins => ${overlap}))` })
    .execute();
  const kid = await makeSigningKey(tx, sealingKey, sql<Date>`now() + make_interval(mins => ${notice})`);
  const row = tx.selectFrom('signing_keys').select('signs_from').where('kid', '=', kid);
  return { kid, signsFrom: (await row.executeTakeFirstOrThrow()).signs_from };
}

/**
 * Makes a new signing key. It signs from ten minutes later on, when everybody knows it, and the old ones verify until the last
 * token that they signed has expired. `immediately` is for a key that leaked: the new one signs at once, every access token so
 * far is refused (within 30 seconds in other processes), and clients get new ones with their refresh tokens.
 */
export async function rotateSigningKey(
  { keys, database: { db } }: Auth,
  options: { immediately: boolean },
): Promise<{ kid: string; signsFrom: Date }> {
  const made = await inTransaction(db, async (tx) => {
    await lockKeys(tx);
    return replace(tx, keys, options);
  });
  await afterCommit(db, () => readKeys(keys));
  return made;
}

/** Rotates when the newest key is older than `days`: once, however many processes ask. @returns whether it did. */
export async function rotateIfDue(ring: KeyRing, days: number): Promise<boolean> {
  const rotated = await ring.db.transaction().execute(async (tx) => {
    await lockKeys(tx);
    const young = await tx
      .selectFrom('signing_keys')
      .select('kid')
      .where('created_at', '>', sql<Date>`now() - make_interval(days => ${days})`)
      .limit(1)
      .executeTakeFirst();
    if (young) return false;
    await replace(tx, ring, { immediately: false });
    return true;
  });
  if (rotated) await readKeys(ring);
  return rotated;
}
