import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/**
 * Lets a user have so many more API keys. Those who make keys of one user at once do it one after the other.
 *
 * @throws Refusal `quota_reached`.
 */
export async function requireRoomForKeys(tx: Db, userId: string, more: number): Promise<void> {
  await tx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
  const { living } = await tx
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll<string>().as('living'))
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirstOrThrow();
  if (Number(living) + more <= limits.apiKeys) return;
  throw new Refusal('quota_reached', `You have ${living} API keys of at most ${limits.apiKeys}: revoke some first.`);
}
