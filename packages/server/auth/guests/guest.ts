import { randomBytes } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import { recordAccount } from '../../audit/account.ts';
import { insertTeam } from '../../teams/slugs.ts';
import type { Auth } from '../auth.ts';
import { takeGuest } from '../passwords/throttle.ts';
import type { SignInFrom } from '../sessions/sessions.ts';
import { type Account, type SignIn, signIn } from '../sign-in.ts';

const name = 'Guest';

async function insertGuest(tx: Db, days: number): Promise<Account> {
  const id = newId();
  const { tier } = await tx
    .insertInto('users')
    .values({ id, email: null, name, password_hash: null })
    .returning('tier')
    .executeTakeFirstOrThrow();
  // Never one that somebody else has had or would choose: webhooks are called by it.
  const team = { id: newId(), name, slug: `guest-${randomBytes(6).toString('hex')}` };
  if (!(await insertTeam(tx, team))) throw new Refusal('conflict', 'No team could be made: try again.');
  await tx.insertInto('memberships').values({ team_id: team.id, user_id: id, role: 'guest' }).execute();
  const expires_at = sql<Date>`now() + make_interval(days => ${days})`;
  await tx.insertInto('guests').values({ user_id: id, team_id: team.id, expires_at }).execute();
  return { user: { id, email: null, name }, team, role: 'guest', tier };
}

/**
 * Makes a guest with a team of its own, and signs in. Its session ends with it, `GUEST_DAYS` from now.
 *
 * @throws Refusal `forbidden` where the instance takes no guests, `cross_site_request` for another site's page, `rate_limited` for
 *   one too many from an address in an hour.
 */
export async function createGuest(auth: Auth, from: SignInFrom & { isCrossSite?: boolean }): Promise<SignIn> {
  const { guestDays, database, throttle } = auth;
  if (guestDays === undefined) throw new Refusal('forbidden', 'This instance takes no guests: register an account.');
  if (from.isCrossSite) {
    throw new Refusal('cross_site_request', 'Guests come from a page of this instance or of an allowed origin.');
  }
  await takeGuest(throttle, from.ip);
  const account = await database.db.transaction().execute(async (tx) => {
    const made = await insertGuest(tx, guestDays);
    await recordAccount(tx, { userId: made.user.id, teamId: made.team.id }, { action: 'auth.guests.create', from });
    return made;
  });
  return signIn(auth, account, from);
}
