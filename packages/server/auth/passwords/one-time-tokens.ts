import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { looksLikeSecret, newSecret, sha256 } from '../secrets.ts';

/** What a mailed token is good for: how it begins, and for how many minutes. */
const purposes = {
  verify_email: { prefix: 'fpv_', minutes: 24 * 60 },
  reset_password: { prefix: 'fpp_', minutes: 30 },
} as const;

export type Purpose = keyof typeof purposes;

/** For how many minutes a token of a purpose works. */
export function minutesOf(purpose: Purpose): number {
  return purposes[purpose].minutes;
}

/** Makes a token that works once, for one purpose and for the address that it is mailed to. Only its SHA-256 is kept. */
export async function createOneTimeToken(
  db: Db,
  purpose: Purpose,
  { userId, email }: { userId: string; email: string },
): Promise<string> {
  const { prefix, minutes } = purposes[purpose];
  const token = newSecret(prefix);
  await db
    .insertInto('one_time_tokens')
    .values({
      hash: sha256(token),
      user_id: userId,
      purpose,
      email,
      expires_at: sql<Date>`now() + make_interval(mins => ${minutes})`,
    })
    .execute();
  return token;
}

/** Whether a token would work now. It still does after. */
export async function isUsable(db: Db, purpose: Purpose, token: string): Promise<boolean> {
  if (!looksLikeSecret(token, purposes[purpose].prefix)) return false;
  const row = await db
    .selectFrom('one_time_tokens')
    .select('user_id')
    .where('hash', '=', sha256(token))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  return row !== undefined;
}

/** Uses a token up, with all others that its owner was sent for the same: of many who try at once, one gets the owner. */
export async function useOneTimeToken(
  tx: Db,
  purpose: Purpose,
  token: string,
): Promise<{ userId: string; email: string } | undefined> {
  const used = await tx
    .deleteFrom('one_time_tokens')
    .where('hash', '=', sha256(token))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['user_id', 'email'])
    .executeTakeFirst();
  if (!used) return undefined;
  await dropOneTimeTokens(tx, purpose, used.user_id);
  return { userId: used.user_id, email: used.email };
}

/** Makes all tokens of a user for a purpose worthless. */
export async function dropOneTimeTokens(tx: Db, purpose: Purpose, userId: string): Promise<void> {
  await tx.deleteFrom('one_time_tokens').where('user_id', '=', userId).where('purpose', '=', purpose).execute();
}

/** The one answer for a token that is unknown, used, expired or for something else. */
export function unusable(): Refusal {
  const message = 'is not valid, was used before or has expired: ask for a new mail';
  return new Refusal('invalid_input', `This link ${message}.`, [{ path: 'token', message }]);
}
