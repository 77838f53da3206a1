import type { SignedIn } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { inTransaction } from '@flowplane/db/transaction';
import type { Principal } from '../../context.ts';
import { accountOf } from '../account-of.ts';
import type { Auth } from '../auth.ts';
import { createSessions, deleteSessions, forgetSessions, type SignInFrom } from '../sessions/sessions.ts';
import { signIn } from '../sign-in.ts';
import { dropOneTimeTokens } from './one-time-tokens.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { guess } from './throttle.ts';

/**
 * Changes the caller's password. All their sessions end with all tokens of them, the caller's own is replaced by a new one.
 * API keys keep working.
 *
 * @throws Refusal `invalid_credentials` for a wrong current password, `forbidden` for an API key, `conflict` when the account
 *   has no password or it was changed meanwhile, or Throttled when it was guessed too often.
 */
export async function changePassword(
  auth: Auth,
  principal: Principal,
  { currentPassword, newPassword, ...from }: { currentPassword: string; newPassword: string } & SignInFrom,
): Promise<{ signedIn: SignedIn; cookie: string }> {
  if (principal.kind === 'apiKey') {
    throw new Refusal('forbidden', 'An API key cannot change the password: sign in to do so.');
  }
  const found = await accountOf(auth.database.db, 'id', principal.userId);
  if (!found) throw new Refusal('unauthenticated', 'This account is gone.');
  if (found.passwordHash === null) {
    const how = 'POST /auth/password/forgot mails a link on which the first one is chosen.';
    throw new Refusal('conflict', `This account has no password to change: ${how}`);
  }
  const who = { account: found.account.user.email ?? principal.userId, ip: from.ip };
  const right = await guess(auth.throttle, who, () =>
    verifyPassword(auth.passwords, found.passwordHash, currentPassword),
  );
  if (!right) throw new Refusal('invalid_credentials', 'currentPassword is wrong.');
  const passwordHash = await hashPassword(auth.passwords, newPassword);
  const { ended, ...result } = await inTransaction(auth.database.db, async (db) => {
    const changed = await db
      .updateTable('users')
      .set({ password_hash: passwordHash })
      .where('id', '=', principal.userId)
      .where('password_hash', '=', found.passwordHash)
      .executeTakeFirst();
    if (changed.numUpdatedRows === 0n) throw new Refusal('conflict', 'The password was changed meanwhile: try again.');
    await dropOneTimeTokens(db, 'reset_password', principal.userId);
    const ended = await deleteSessions(db, principal.userId);
    // The new session is part of the change, so it is made on the same connection.
    const within = { ...auth, database: { ...auth.database, db }, sessions: createSessions(db, auth) };
    return { ended, ...(await signIn(within, found.account, from)) };
  });
  forgetSessions(auth, ended);
  return result;
}
