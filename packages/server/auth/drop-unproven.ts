import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/**
 * Takes away every way into an account whose address nobody has proved yet, but for its password and sessions; to be called before
 * somebody does by mail who had no part in making it. Whoever registered with another's address would else still get in by an identity
 * or an API key of their own, after its owner has taken the account over.
 */
export async function dropUnproven(tx: Db, userId: string): Promise<void> {
  const unproven = tx.selectFrom('users').select('id').where('id', '=', userId).where('email_verified_at', 'is', null);
  await tx.deleteFrom('identities').where('user_id', 'in', unproven).execute();
  await tx
    .updateTable('api_keys')
    .set({ revoked_at: sql<Date>`now()` })
    .where('user_id', 'in', unproven)
    .where('revoked_at', 'is', null)
    .execute();
}
