import { sql } from 'kysely';
import { recordOwner } from '../../audit/account.ts';
import { resetMail } from '../../mail/templates.ts';
import type { Auth } from '../auth.ts';
import { dropUnproven } from '../drop-unproven.ts';
import { deleteSessions, forgetSessions, type SignInFrom } from '../sessions/sessions.ts';
import { mailLink } from './mail-link.ts';
import { createOneTimeToken, isUsable, minutesOf, unusable, useOneTimeToken } from './one-time-tokens.ts';
import { hashPassword } from './passwords.ts';
import { countAddress, guess, Throttled, takeMail } from './throttle.ts';

/** Whether one more mail may go to an address. Nobody is told: the answer is the same for every address. */
async function mayMail(auth: Auth, email: string): Promise<boolean> {
  try {
    await takeMail(auth.throttle, email);
    return true;
  } catch (error) {
    if (error instanceof Throttled) return false;
    throw error;
  }
}

/**
 * Mails a link to choose a new password, if the email has an account. All work that depends on that is done after the answer,
 * so neither the answer nor its time tells whether there is one.
 *
 * @throws Throttled for an address that asks too often.
 */
export async function forgotPassword(auth: Auth, { email }: { email: string }, from: SignInFrom): Promise<void> {
  await countAddress(auth.throttle, from.ip);
  auth.mailer.send(async (db) => {
    const user = await db
      .selectFrom('users')
      .select(['id', 'email', 'name'])
      .where('email', '=', email)
      .executeTakeFirst();
    if (!user || !(await mayMail(auth, email))) return undefined;
    await recordOwner(db, user.id, { action: 'auth.password.forgot', from });
    const token = await createOneTimeToken(db, 'reset_password', { userId: user.id, email });
    const link = mailLink(auth.issuer, 'reset-password', token);
    return resetMail({ to: email, name: user.name, link, minutes: minutesOf('reset_password') });
  });
}

/**
 * Sets the password of the account that a mailed token was sent to, and ends all its sessions. Whoever has the mail reads the
 * address, so it is verified by this too. API keys keep working, unless they were made before the address was ever verified.
 *
 * @throws Refusal `invalid_input` for a token that does not work (any more), Throttled for an address that guesses.
 */
export async function resetPassword(
  auth: Auth,
  { token, password }: { token: string; password: string },
  from: SignInFrom,
): Promise<void> {
  const { db } = auth.database;
  // Before the hash, which is work that nobody gets for an invented token.
  if (!(await guess(auth.throttle, { ip: from.ip }, () => isUsable(db, 'reset_password', token)))) throw unusable();
  const passwordHash = await hashPassword(auth.passwords, password);
  const ended = await db.transaction().execute(async (tx) => {
    const used = await useOneTimeToken(tx, 'reset_password', token);
    if (used) await dropUnproven(tx, used.userId);
    const changed = await tx
      .updateTable('users')
      .set({ password_hash: passwordHash, email_verified_at: sql<Date>`coalesce(email_verified_at, now())` })
      .where('id', '=', used?.userId ?? null)
      .where('email', '=', used?.email ?? '')
      .returning('id')
      .executeTakeFirst();
    if (!changed) throw unusable();
    await recordOwner(tx, changed.id, { action: 'auth.password.reset', from });
    return deleteSessions(tx, changed.id);
  });
  forgetSessions(auth, ended);
}
