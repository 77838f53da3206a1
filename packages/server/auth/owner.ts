import { Refusal } from '@flowplane/contract/errors';
import type { Principal } from '../context.ts';
import type { Auth } from './auth.ts';

/**
 * Lets only the instance's owner through, signed in as a person: what concerns everybody is not for a key that lies about.
 *
 * @throws Refusal `forbidden`.
 */
export async function requireOwner({ database }: Auth, { kind, userId }: Principal): Promise<void> {
  const row = await database.db.selectFrom('users').select('is_owner').where('id', '=', userId).executeTakeFirst();
  if (kind !== 'apiKey' && row?.is_owner) return;
  throw new Refusal('forbidden', 'Only the owner of this instance can do this, signed in by password.');
}
