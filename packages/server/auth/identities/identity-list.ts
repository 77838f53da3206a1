import { Refusal } from '@flowplane/contract/errors';
import type { Identity, IdentityProvider, identityListInput, identityPage } from '@flowplane/contract/identity';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import { afterCommit, inTransaction } from '@flowplane/db/transaction';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';

export const identityColumns = ['id', 'provider', 'issuer', 'label', 'created_at', 'last_used_at'] as const;

export function shownIdentity({
  created_at: createdAt,
  last_used_at: lastUsedAt,
  ...row
}: Pick<Identity, 'id' | 'provider' | 'issuer' | 'label'> & { created_at: Date; last_used_at: Date }): Identity {
  return { ...row, createdAt, lastUsedAt };
}

/** The caller's identities elsewhere, newest first. */
export async function listIdentities(
  auth: Auth,
  { userId }: Principal,
  { limit, cursor }: z.output<typeof identityListInput>,
): Promise<z.output<typeof identityPage>> {
  const rows = await auth.database.db
    .selectFrom('identities')
    .select(identityColumns)
    .where('user_id', '=', userId)
    .$if(cursor !== undefined, (query) => query.where('id', '<', idOfCursor(cursor ?? '')))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(shownIdentity);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.id) : null };
}

/**
 * Only a person who is signed in changes how people sign in: a key that lies about must not open a door for good, and a guest goes.
 *
 * @throws Refusal `forbidden` for an API key and for a guest.
 */
export function requirePerson({ kind, role }: Principal): void {
  if (role === 'guest') {
    throw new Refusal('forbidden', 'A guest has no account to link to: sign in by the identity, and merge the guest.');
  }
  if (kind !== 'apiKey') return;
  throw new Refusal('forbidden', 'An API key cannot change how its owner signs in: sign in to do so.');
}

/** Whether people get in by an identity of this provider as the instance is set up now. */
function isOpen({ identities }: Auth, provider: IdentityProvider): boolean {
  return provider === 'clerk' ? identities.clerk !== undefined : identities.providers[provider] !== undefined;
}

/**
 * Unlinks one of the caller's identities: it does not sign in to this account any more. Sessions that it began go on.
 *
 * @throws Refusal `not_found` for one that is unknown or somebody else's, `conflict` for the last way in, `forbidden` for an API
 *   key and for a guest.
 */
export async function unlinkIdentity(auth: Auth, principal: Principal, { id }: { id: string }): Promise<void> {
  requirePerson(principal);
  const { userId } = principal;
  await inTransaction(auth.database.db, async (tx) => {
    const user = await tx
      .selectFrom('users')
      .select('password_hash')
      .where('id', '=', userId)
      .forUpdate()
      .executeTakeFirst();
    const all = await tx.selectFrom('identities').select(['id', 'provider']).where('user_id', '=', userId).execute();
    if (!all.some((one) => one.id === id)) throw new Refusal('not_found', 'You have no such identity.');
    const others = all.filter((one) => one.id !== id && isOpen(auth, one.provider));
    if (!user?.password_hash && others.length === 0) {
      const how = 'choose a password first (POST /auth/password/forgot mails a link), or link another identity.';
      throw new Refusal('conflict', `This is the only way into the account: ${how}`);
    }
    await tx.deleteFrom('identities').where('id', '=', id).execute();
  });
  // Other processes notice within a second.
  await afterCommit(auth.database.db, () => auth.identities.clerk?.principals.clear());
}
