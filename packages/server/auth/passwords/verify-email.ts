import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { recordOwner } from '../../audit/account.ts';
import type { Principal } from '../../context.ts';
import { verificationMail } from '../../mail/templates.ts';
import type { Auth } from '../auth.ts';
import type { SignInFrom } from '../sessions/sessions.ts';
import { mailLink } from './mail-link.ts';
import { createOneTimeToken, isUsable, minutesOf, unusable, useOneTimeToken } from './one-time-tokens.ts';
import { guess, takeMail } from './throttle.ts';

/** Mails a link that proves who reads an address. Nobody waits for it. */
export function mailVerification(auth: Auth, { id, email, name }: { id: string; email: string; name: string }): void {
  auth.mailer.send(async (db) => {
    const token = await createOneTimeToken(db, 'verify_email', { userId: id, email });
    const link = mailLink(auth.issuer, 'verify-email', token);
    return verificationMail({ to: email, name, link, minutes: minutesOf('verify_email') });
  });
}

/**
 * Mails the caller another link.
 *
 * @throws Refusal `conflict` when the email is verified already, Throttled after three in an hour.
 */
export async function resendVerification(auth: Auth, { userId }: Principal): Promise<void> {
  const user = await auth.database.db
    .selectFrom('users')
    .select(['id', 'email', 'name', 'email_verified_at'])
    .where('id', '=', userId)
    .executeTakeFirst();
  if (!user) throw new Refusal('unauthenticated', 'This account is gone.');
  const { email } = user;
  if (email === null) throw new Refusal('conflict', 'You have no email yet: register first.');
  if (user.email_verified_at) throw new Refusal('conflict', `${email} is verified already.`);
  await takeMail(auth.throttle, email);
  mailVerification(auth, { ...user, email });
}

/** Marks an email as verified, if it is still the account's. */
export async function markVerified(db: Db, { id, email }: { id: string; email: string }): Promise<void> {
  await db
    .updateTable('users')
    .set({ email_verified_at: sql<Date>`coalesce(email_verified_at, now())` })
    .where('id', '=', id)
    .where('email', '=', email)
    .execute();
}

/**
 * Marks the email as verified that a mailed token was sent to.
 *
 * @throws Refusal `invalid_input` for a token that does not work (any more), Throttled for an address that guesses.
 */
export async function verifyEmail(auth: Auth, { token }: { token: string }, from: SignInFrom): Promise<void> {
  const { db } = auth.database;
  if (!(await guess(auth.throttle, { ip: from.ip }, () => isUsable(db, 'verify_email', token)))) throw unusable();
  await db.transaction().execute(async (tx) => {
    const used = await useOneTimeToken(tx, 'verify_email', token);
    if (!used) throw unusable();
    await markVerified(tx, { id: used.userId, email: used.email });
    await recordOwner(tx, used.userId, { action: 'auth.email.verify', from });
  });
}
