import type { registerInput } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import type { z } from 'zod';
import { recordAccount } from '../../audit/account.ts';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { hashPassword } from '../passwords/passwords.ts';
import { createSessions, deleteSessions, forgetSessions, type SignInFrom } from '../sessions/sessions.ts';
import { type Account, type SignIn, signIn } from '../sign-in.ts';
import { endGuest } from './end-guest.ts';

type NewAccount = { userId: string; email: string; name: string; passwordHash: string };

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const uniqueViolation = '23505';

function emailTaken(error: unknown): unknown {
  const isTaken = error instanceof Error && 'code' in error && error.code === uniqueViolation;
  if (!isTaken) return error;
  const instead = 'sign in to it and merge this guest into it (POST /auth/guest/merge), or use another email';
  return new Refusal('email_taken', `An account with this email exists: ${instead}.`);
}

async function makeAccount(tx: Db, { userId, email, name, passwordHash }: NewAccount): Promise<Account> {
  const teamId = await endGuest(tx, userId);
  const { tier } = await tx
    .updateTable('users')
    .set({ email, name, password_hash: passwordHash })
    .where('id', '=', userId)
    .returning('tier')
    .executeTakeFirstOrThrow();
  const { slug } = await tx
    .updateTable('teams')
    .set({ name })
    .where('id', '=', teamId)
    .returning('slug')
    .executeTakeFirstOrThrow();
  await tx
    .updateTable('memberships')
    .set({ role: 'admin' })
    .where('user_id', '=', userId)
    .where('team_id', '=', teamId)
    .execute();
  return { user: { id: userId, email, name }, team: { id: teamId, name, slug }, role: 'admin', tier };
}

/**
 * Makes the guest who calls an account: the same user and team, with all that is theirs, also the team's slug. All their sessions
 * end with all tokens of them, and they are signed in anew.
 *
 * @throws Refusal `email_taken`, `conflict` when they are no guest any more, or `unavailable` when too many passwords wait to be
 *   hashed.
 */
export async function upgradeGuest(
  auth: Auth,
  { userId, teamId }: Principal,
  { email, password, name, ...from }: z.output<typeof registerInput> & SignInFrom,
): Promise<SignIn> {
  const passwordHash = await hashPassword(auth.passwords, password);
  const account = { userId, email, name: name ?? email.slice(0, email.lastIndexOf('@')), passwordHash };
  const upgrade = auth.database.db.transaction().execute(async (db) => {
    const made = await makeAccount(db, account);
    await recordAccount(db, { userId, teamId: made.team.id }, { action: 'auth.register', from });
    const ended = await deleteSessions(db, userId);
    // The new session is part of the change, so it is made on the same connection.
    const within = { ...auth, database: { ...auth.database, db }, sessions: createSessions(db, auth) };
    return { ended, signedIn: await signIn(within, made, from) };
  });
  const { ended, signedIn } = await upgrade.catch((error: unknown) => {
    throw emailTaken(error);
  });
  forgetSessions(auth, ended);
  auth.memberships.delete(`${userId} ${teamId}`);
  return signedIn;
}
