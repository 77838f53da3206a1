import { Refusal } from '@flowplane/contract/errors';
import type { Identity } from '@flowplane/contract/identity';
import { limits } from '@flowplane/contract/limits';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import { recordOwner } from '../../audit/account.ts';
import { markVerified } from '../passwords/verify-email.ts';
import type { SignInFrom } from '../sessions/sessions.ts';
import { keepIdentity, lockIdentity, ownerOf } from './account-for.ts';
import type { Claims } from './claims.ts';
import { identityColumns, shownIdentity } from './identity-list.ts';

/** @throws Refusal `quota_reached`. */
async function requireRoom(tx: Db, userId: string): Promise<void> {
  await tx.selectFrom('users').select('id').where('id', '=', userId).forUpdate().executeTakeFirst();
  const { count } = await tx
    .selectFrom('identities')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  if (Number(count) < limits.identities) return;
  throw new Refusal('quota_reached', `An account has at most ${limits.identities} identities: unlink one first.`);
}

/**
 * Links an identity to an account. If it vouches for the account's own address, that is verified by it.
 *
 * @throws Refusal `conflict` when it is another account's, `quota_reached`.
 */
export function linkIdentity(
  db: Db,
  userId: string,
  { claims, from }: { claims: Claims; from: SignInFrom },
): Promise<Identity> {
  const { issuer, subject, email, title } = claims;
  return inTransaction(db, async (tx) => {
    await lockIdentity(tx, claims);
    const owner = await ownerOf(tx, claims);
    if (owner !== undefined && owner !== userId) {
      const who = claims.label === null ? 'This identity' : `${claims.label} at ${title}`;
      throw new Refusal('conflict', `${who} is linked to another account: unlink it there first.`);
    }
    if (owner === undefined) {
      await requireRoom(tx, userId);
      await keepIdentity(tx, userId, claims);
      await recordOwner(tx, userId, { action: 'users.identities.link', from });
    }
    if (email?.verified) await markVerified(tx, { id: userId, email: email.address });
    const row = await tx
      .selectFrom('identities')
      .select(identityColumns)
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirstOrThrow();
    return shownIdentity(row);
  });
}
