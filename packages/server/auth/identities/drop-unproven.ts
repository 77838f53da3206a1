import type { Db } from '@flowplane/db/database';

/**
 * Unlinks the identities of an account whose address nobody has proved yet; to be called before somebody does by mail. Whoever
 * registered with another's address would else still get in by an identity of their own, after its owner has taken the account over.
 */
export async function dropUnprovenIdentities(tx: Db, userId: string): Promise<void> {
  await tx
    .deleteFrom('identities')
    .where('user_id', '=', (eb) =>
      eb.selectFrom('users').select('id').where('id', '=', userId).where('email_verified_at', 'is', null),
    )
    .execute();
}
