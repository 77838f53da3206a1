import type { SignedIn } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { recordReuse } from '../../audit/account.ts';
import type { Auth } from '../auth.ts';
import { roleColumns, roleOf } from '../role-permissions.ts';
import { deriveKey, seal, unseal } from '../seal.ts';
import { looksLikeSecret, newSecret, sha256 } from '../secrets.ts';
import { forgetSessions, type SignInFrom } from '../sessions/sessions.ts';
import { signAccessToken } from './tokens.ts';

const prefix = 'fpr_';
const days = 30;
/** Two tabs, or a repeat after an answer that was lost, may bring the same token within this time (seconds). */
const graceSeconds = 10;

/** Makes a refresh token of a session: 30 days, but not longer than the session may live. Stored only as SHA-256. */
export async function createRefreshToken(db: Db, sessionId: string, token = newSecret(prefix)): Promise<string> {
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
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['s.id as session_id', 'u.id as user_id', 'u.email', 'u.name', 'u.tier'])
    .select(roleColumns)
    .select(['t.id as team_id', 't.name as team_name', 't.slug'])
    .where('r.hash', '=', hash)
    .where('r.expires_at', '>', sql<Date>`now()`)
    .where('s.expires_at', '>', sql<Date>`now()`)
    .where('s.absolute_expires_at', '>', sql<Date>`now()`)
    .forUpdate('s')
    .executeTakeFirst();
}

/** The key to what a token was exchanged for: only who has the token has it. */
function successorKey(token: string): Uint8Array {
  return deriveKey(token, 'flowplane refresh successor');
}

/** Takes a token out of use in favour of its successor; false when it had been used. */
async function spend(tx: Db, token: string, successor: string): Promise<boolean> {
  const hash = sha256(token);
  const { numUpdatedRows } = await tx
    .updateTable('refresh_tokens')
    .set({ used_at: sql<Date>`now()`, sealed_successor: seal(successorKey(token), successor, hash) })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** What a token was exchanged for a moment ago, while nobody has used that. */
async function recentSuccessor(tx: Db, token: string): Promise<string | undefined> {
  const hash = sha256(token);
  const used = await tx
    .selectFrom('refresh_tokens')
    .select('sealed_successor')
    .where('hash', '=', hash)
    .where('used_at', '>', sql<Date>`clock_timestamp() - make_interval(secs => ${graceSeconds})`)
    .executeTakeFirst();
  if (!used?.sealed_successor) return undefined;
  const successor = unseal(successorKey(token), used.sealed_successor, hash);
  const unused = await tx
    .selectFrom('refresh_tokens')
    .select('hash')
    .where('hash', '=', sha256(successor))
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return unused && successor;
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

async function rotate(tx: Db, token: string, from: SignInFrom) {
  const owner = await lockSession(tx, sha256(token));
  if (!owner) return undefined;
  const successor = newSecret(prefix);
  if (await spend(tx, token, successor)) {
    await prolong(tx, owner.session_id);
    return { owner, refreshToken: await createRefreshToken(tx, owner.session_id, successor) };
  }
  const same = await recentSuccessor(tx, token);
  if (same) return { owner, refreshToken: same };
  // A used token means that two hold it, and nobody can tell which is the thief: the sign-in is over for both.
  const { user_id: userId, team_id: teamId, session_id: sessionId } = owner;
  await recordReuse(tx, { userId, teamId, sessionId }, from);
  await tx.deleteFrom('sessions').where('id', '=', sessionId).execute();
  return { ended: sessionId };
}

/**
 * Exchanges a refresh token for a new pair of tokens. Each is good once (RFC 9700, 4.14.2): using one again ends its session
 * with all tokens of it. Within ten seconds, and before its successor was used, it gets the same successor again.
 *
 * @throws Refusal `unauthenticated` for a token that is unknown, used, expired or of a session that has ended.
 */
export async function refresh(
  auth: Auth,
  { refreshToken: given }: { refreshToken: string },
  from: SignInFrom,
): Promise<SignedIn> {
  const known = looksLikeSecret(given, prefix);
  const rotated = known ? await auth.database.db.transaction().execute((tx) => rotate(tx, given, from)) : undefined;
  if (rotated?.ended !== undefined) forgetSessions(auth, [rotated.ended]);
  if (!rotated?.owner)
    throw new Refusal('unauthenticated', 'The refresh token is not valid or was used before: sign in again.');
  const { owner, refreshToken } = rotated;
  const { user_id: userId, team_id: teamId, session_id: sessionId, tier } = owner;
  const { role } = roleOf(owner);
  // The next lookup finds the role that the new token says.
  forgetSessions(auth, [sessionId]);
  const access = await signAccessToken(auth, { userId, teamId, sessionId, role, tier });
  const user = { id: userId, email: owner.email, name: owner.name };
  return { user, team: { id: teamId, name: owner.team_name, slug: owner.slug }, ...access, refreshToken };
}
