import type { SignedIn } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import type { Auth } from './auth.ts';
import { looksLikeSecret, newSecret, sha256 } from './secrets.ts';
import { signAccessToken } from './tokens.ts';

const prefix = 'fpr_';
const days = 30;

/** Makes a refresh token of a session: 30 days, but not longer than the session may live. Stored only as SHA-256. */
export async function createRefreshToken(db: Db, sessionId: string): Promise<string> {
  const token = newSecret(prefix);
  const end = sql<Date>`least(now() + make_interval(days => ${days}), absolute_expires_at)`;
  await db
    .insertInto('refresh_tokens')
    .columns(['hash', 'session_id', 'expires_at'])
    .expression((eb) =>
      eb
        .selectFrom('sessions')
        .select([sql<string>`${sha256(token)}`.as('hash'), 'id', end.as('expires_at')])
        .where('id', '=', sessionId),
    )
    .execute();
  return token;
}

/** The session of a refresh token and whose it is. Locked first, so that whatever changes a session takes turns. */
function lockSession(tx: Db, hash: string) {
  return tx
    .selectFrom('refresh_tokens as r')
    .innerJoin('sessions as s', 's.id', 'r.session_id')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .innerJoin('teams as t', 't.id', 's.team_id')
    .innerJoin('memberships as m', (join) =>
      join.onRef('m.user_id', '=', 's.user_id').onRef('m.team_id', '=', 's.team_id'),
    )
    .select(['s.id as session_id', 'u.id as user_id', 'u.email', 'u.name', 'u.tier', 'm.role'])
    .select(['t.id as team_id', 't.name as team_name', 't.slug'])
    .where('r.hash', '=', hash)
    .where('r.expires_at', '>', sql<Date>`now()`)
    .where('s.expires_at', '>', sql<Date>`now()`)
    .where('s.absolute_expires_at', '>', sql<Date>`now()`)
    .forUpdate('s')
    .executeTakeFirst();
}

/** Takes a token out of use; false when it had been used. */
async function spend(tx: Db, hash: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('refresh_tokens')
    .set({ used_at: sql<Date>`now()` })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

async function prolong(tx: Db, sessionId: string): Promise<void> {
  const end = sql<Date>`least(now() + make_interval(days => ${days}), absolute_expires_at)`;
  await tx
    .updateTable('sessions')
    .set({ expires_at: sql<Date>`greatest(expires_at, ${end})` })
    .where('id', '=', sessionId)
    .execute();
  await tx
    .deleteFrom('refresh_tokens')
    .where('session_id', '=', sessionId)
    .where('expires_at', '<=', sql<Date>`now()`)
    .execute();
}

async function rotate(tx: Db, hash: string) {
  const owner = await lockSession(tx, hash);
  if (!owner) return undefined;
  if (!(await spend(tx, hash))) {
    // A used token means that two hold it, and nobody can tell which is the thief: the sign-in is over for both.
    await tx.deleteFrom('sessions').where('id', '=', owner.session_id).execute();
    return undefined;
  }
  await prolong(tx, owner.session_id);
  return { owner, refreshToken: await createRefreshToken(tx, owner.session_id) };
}

/**
 * Exchanges a refresh token for a new pair of tokens. Each is good once (RFC 9700, 4.14.2): using one again ends its session
 * with all refresh tokens of it.
 *
 * @throws Refusal `unauthenticated` for a token that is unknown, used, expired or of a session that has ended.
 */
export async function refresh(auth: Auth, { refreshToken: given }: { refreshToken: string }): Promise<SignedIn> {
  const known = looksLikeSecret(given, prefix);
  const rotated = known ? await auth.database.db.transaction().execute((tx) => rotate(tx, sha256(given))) : undefined;
  if (!rotated)
    throw new Refusal('unauthenticated', 'The refresh token is not valid or was used before: sign in again.');
  const { owner, refreshToken } = rotated;
  const { user_id: userId, team_id: teamId, session_id: sessionId, role, tier } = owner;
  const access = await signAccessToken(auth, { userId, teamId, sessionId, role, tier });
  const user = { id: userId, email: owner.email, name: owner.name };
  return { user, team: { id: teamId, name: owner.team_name, slug: owner.slug }, ...access, refreshToken };
}
