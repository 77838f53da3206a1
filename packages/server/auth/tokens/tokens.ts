import { randomUUID } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import { id } from '@flowplane/contract/id';
import { type Tier, tier } from '@flowplane/contract/tiers';
import { isTransient } from '@flowplane/db/retry';
import { errors, type JWSHeaderParameters, jwtVerify, SignJWT } from 'jose';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { noteUse } from '../last-used.ts';
import { lookedUp } from '../lookup.ts';
import { roleColumns, roleOf } from '../role-permissions.ts';
import { signingKey, verifyingKey } from './key-ring.ts';

/** For how long an access token is good. */
export const accessTokenMinutes = 30;

const audience = 'flowplane';
const type = 'at+jwt';
const longest = 4_096;

const claims = z.object({
  sub: id,
  sid: z.hex().length(64),
  tid: id,
  role: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  tier,
  jti: z.guid(),
  exp: z.int(),
});

/** A token whose signature is good: of which sign-in, in which team, until when (ms since 1970). */
export type VerifiedToken = { sessionId: string; userId: string; teamId: string; expiresAt: number };

/** Whom an access token speaks for. */
export type TokenSubject = { userId: string; teamId: string; sessionId: string; role: string; tier: Tier };

/** Signs an access token: an RS256 JWT of 30 minutes (RFC 9068). It is good while the session lives that it was made for. */
export async function signAccessToken(
  { issuer, keys }: Auth,
  subject: TokenSubject,
): Promise<{ accessToken: string; expiresAt: Date }> {
  const now = Math.floor(Date.now() / 1000);
  const expiry = now + accessTokenMinutes * 60;
  const { kid, privateKey } = await signingKey(keys);
  const { sessionId: sid, teamId: tid, role, tier } = subject;
  const accessToken = await new SignJWT({ sid, tid, role, tier })
    .setProtectedHeader({ alg: 'RS256', kid, typ: type })
    .setSubject(subject.userId)
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(expiry)
    .sign(privateKey);
  return { accessToken, expiresAt: new Date(expiry * 1000) };
}

function refusal(error?: unknown): Refusal {
  const expired = error instanceof errors.JWTExpired;
  const what = expired ? 'The access token has expired' : 'The access token is not valid';
  return new Refusal('unauthenticated', `${what}: get another with the refresh token, or sign in.`);
}

async function verify(auth: Auth, token: string): Promise<VerifiedToken> {
  const { issuer, keys, verifiedTokens } = auth;
  const keyOf = async ({ kid }: JWSHeaderParameters) => {
    const key = await verifyingKey(keys, kid);
    if (!key) throw refusal();
    return key.publicKey;
  };
  const options = { algorithms: ['RS256'], typ: type, issuer, audience, requiredClaims: ['exp', 'iat'] };
  // Whatever is wrong with it, it is a token that is not ours. A database that is away is something else.
  const { payload } = await jwtVerify(token, keyOf, options).catch((error) => {
    throw isTransient(error) ? error : refusal(error);
  });
  const { success, data } = claims.safeParse(payload);
  if (!success) throw refusal();
  const { sub: userId, tid: teamId, sid: sessionId } = data;
  const verified = { sessionId, userId, teamId, expiresAt: data.exp * 1000 };
  verifiedTokens.set(token, verified);
  return verified;
}

/** Who signed in, as what they are now: the role and the tier in the token are those of when it was made. */
async function lookUp({ database }: Auth, sessionId: string): Promise<Principal | undefined> {
  const row = await database.db
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .innerJoin('memberships as m', (join) =>
      join.onRef('m.user_id', '=', 's.user_id').onRef('m.team_id', '=', 's.team_id'),
    )
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['s.user_id', 's.team_id', 's.last_used_at', 'u.tier'])
    .select(roleColumns)
    .where('s.id', '=', sessionId)
    .where('s.expires_at', '>', sql<Date>`now()`)
    .where('s.absolute_expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (!row) return undefined;
  noteUse(database.db, 'sessions', { id: sessionId, lastUsedAt: row.last_used_at });
  const { user_id: userId, team_id: teamId, tier } = row;
  return { kind: 'jwt', userId, teamId, ...roleOf(row), tier, sessionId };
}

function present(principal: Principal | undefined, { userId, teamId }: VerifiedToken): Principal {
  if (principal?.userId === userId && principal.teamId === teamId) return principal;
  throw new Refusal('unauthenticated', 'The session of this access token has ended: sign in again.');
}

function ofSession(auth: Auth, verified: VerifiedToken): Principal | Promise<Principal> {
  const { sessionId } = verified;
  const found = lookedUp(auth.sessionPrincipals, sessionId, () => lookUp(auth, sessionId));
  return found instanceof Promise ? found.then((principal) => present(principal, verified)) : present(found, verified);
}

/**
 * Whom an access token speaks for: at once when it was verified before, because verifying RS256 each time would be the
 * largest cost of a request, and its session was looked up within the last second.
 *
 * @throws Refusal `unauthenticated`, also as a rejection, for whatever is not an unexpired access token of this instance, and
 *   for one whose session has ended.
 */
export function tokenPrincipal(auth: Auth, token: string): Principal | Promise<Principal> {
  const known = auth.verifiedTokens.get(token);
  if (known && Date.now() < known.expiresAt) return ofSession(auth, known);
  if (token.length > longest) throw refusal();
  return verify(auth, token).then((verified) => ofSession(auth, verified));
}
