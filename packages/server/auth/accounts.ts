import type { loginInput, me as meOutput, registerInput } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import { recordAccount, recordFailedLogin } from '../audit/account.ts';
import { record } from '../audit/record.ts';
import type { Principal } from '../context.ts';
import { joinByInvitation, tryInvitation } from '../teams/accept-invitation.ts';
import { accountOf } from './account-of.ts';
import type { Auth } from './auth.ts';
import { hashPassword, verifyPassword } from './passwords/passwords.ts';
import { guess } from './passwords/throttle.ts';
import { createPersonalTeam } from './personal-team.ts';
import { forgetfulCookie, forgetSessions, revokeSession, type SignInFrom } from './sessions/sessions.ts';
import { type Account, type SignIn, signIn } from './sign-in.ts';

/** Whether no account exists. While so, registrations take turns, and exactly one becomes the first. */
async function isFirst(tx: Db): Promise<boolean> {
  const anybody = tx
    .selectFrom('users')
    .select('id')
    .where('id', 'not in', tx.selectFrom('guests').select('user_id'))
    .limit(1);
  if (await anybody.executeTakeFirst()) return false;
  await sql`select pg_advisory_xact_lock(hashtextextended('flowplane first account', 0))`.execute(tx);
  return !(await anybody.executeTakeFirst());
}

async function createAccount(
  tx: Db,
  {
    email,
    name,
    passwordHash,
    invitation,
  }: {
    email: string;
    name: string;
    passwordHash: string;
    invitation?: string | undefined;
  },
): Promise<Account> {
  const id = newId();
  const created = await tx
    .insertInto('users')
    .values({ id, email, name, password_hash: passwordHash, is_owner: await isFirst(tx) })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returning('tier')
    .executeTakeFirst();
  if (!created) throw new Refusal('email_taken', 'An account with this email exists: sign in, or use another email.');
  const user = { id, email, name };
  if (invitation !== undefined) {
    const { role, joinedAt: _, ...team } = await joinByInvitation(tx, { token: invitation, user });
    return { user, team, role, tier: created.tier };
  }
  const team = await createPersonalTeam(tx, { userId: id, name });
  return { user, team, role: 'admin', tier: created.tier };
}

/**
 * Makes an account with a team of its own, or in the team that an invitation is to, and signs in. The first account of an instance
 * becomes its owner.
 *
 * @throws Refusal `email_taken`, or `unavailable` when too many passwords wait to be hashed; for an invitation, as to accept it.
 */
export async function register(auth: Auth, input: z.output<typeof registerInput>, from: SignInFrom): Promise<SignIn> {
  const { email, password, invitation } = input;
  // Before the hash, which is work that nobody gets for an invented token.
  if (invitation !== undefined) await tryInvitation(auth, invitation, from.ip);
  const name = input.name ?? email.slice(0, email.lastIndexOf('@'));
  const passwordHash = await hashPassword(auth.passwords, password);
  const { db } = auth.database;
  const account = await db.transaction().execute(async (tx) => {
    const made = await createAccount(tx, { email, name, passwordHash, invitation });
    await recordAccount(tx, { userId: made.user.id, teamId: made.team.id }, { action: 'auth.register', from });
    return made;
  });
  return signIn(auth, account, from);
}

/** Whether a password was not changed meanwhile; whoever is changing it is waited for, because they end only the sessions they see. */
async function isStillHash(db: Db, { account, passwordHash }: { account: Account; passwordHash: string | null }) {
  const row = await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', account.user.id)
    .where('password_hash', '=', passwordHash)
    .forShare()
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Signs in by password. An unknown email and a wrong password get the same answer after the same work.
 *
 * @throws Refusal `invalid_credentials`, `unavailable` when too many passwords wait to be verified, or Throttled when the account
 *   or the address has tried too often.
 */
export async function login(auth: Auth, input: z.output<typeof loginInput>, from: SignInFrom): Promise<SignIn> {
  const { db } = auth.database;
  const found = await accountOf(db, 'email', input.email);
  const who = { account: input.email, ip: from.ip };
  const right = await guess(auth.throttle, who, () =>
    verifyPassword(auth.passwords, found?.passwordHash, input.password),
  );
  if (!found || !right) {
    await recordFailedLogin(auth, found?.account, from);
    throw new Refusal('invalid_credentials', 'The email or the password is wrong.');
  }
  const { account } = found;
  const made = await signIn(auth, account, from);
  const { sessionId } = made;
  if (await isStillHash(db, found)) {
    const owner = { userId: account.user.id, teamId: account.team.id, sessionId };
    await recordAccount(db, owner, { action: 'auth.login', from });
    return made;
  }
  await revokeSession(auth, sessionId);
  throw new Refusal('invalid_credentials', 'The password was changed meanwhile: sign in with the new one.');
}

/**
 * Ends the caller's session: its cookie and refresh tokens are worthless at once, its access tokens too, in other
 * processes within a second. Without a session there is nothing to end, and a browser still gets rid of its stale cookie.
 *
 * @returns the `Set-Cookie` value that removes the cookie.
 * @throws Refusal `forbidden` for an API key, which is revoked instead; `cross_site_request` for another site's page, which would
 *   else sign somebody out: its request comes without their cookie, but the answer would remove it.
 */
export async function logout(
  auth: Auth,
  principal: Principal | undefined,
  from: SignInFrom & { isCrossSite?: boolean },
): Promise<string> {
  if (from.isCrossSite) {
    throw new Refusal('cross_site_request', 'Sign out from a page of this instance or of an allowed origin.');
  }
  if (principal?.kind === 'apiKey')
    throw new Refusal('forbidden', 'An API key has no session: revoke the key instead.');
  if (principal?.sessionId) {
    const { userId } = principal;
    const event = { action: 'auth.logout', by: principal, from, resource: { type: 'user', id: userId } };
    const { sessionId } = principal;
    await inTransaction(auth.database.db, async (tx) => {
      await record(tx, event);
      await tx.deleteFrom('sessions').where('id', '=', sessionId).execute();
    });
    forgetSessions(auth, [sessionId]);
  }
  return forgetfulCookie(auth);
}

/**
 * Who the caller is, in which team, and what they may do.
 *
 * @throws Refusal `unauthenticated` when the account is gone.
 */
export async function me(auth: Auth, principal: Principal): Promise<z.output<typeof meOutput>> {
  const row = await auth.database.db
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .innerJoin('teams as t', 't.id', 'm.team_id')
    .leftJoin('guests as g', 'g.user_id', 'm.user_id')
    .select(['u.id', 'u.email', 'u.name', 'u.created_at', 'u.email_verified_at', 't.name as team_name', 't.slug'])
    .select('g.expires_at as guest_until')
    .where('m.user_id', '=', principal.userId)
    .where('m.team_id', '=', principal.teamId)
    .executeTakeFirst();
  if (!row) throw new Refusal('unauthenticated', 'This account is gone.');
  const { role, tier, permissions, kind } = principal;
  return {
    user: {
      id: row.id,
      email: row.email,
      name: row.name,
      createdAt: row.created_at,
      emailVerified: row.email_verified_at !== null,
      guestUntil: row.guest_until,
    },
    team: { id: principal.teamId, name: row.team_name, slug: row.slug },
    role,
    permissions: [...permissions],
    tier,
    signedInBy: kind,
  };
}
