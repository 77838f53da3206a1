import { randomUUID } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import { id } from '@flowplane/contract/id';
import { type Role, role } from '@flowplane/contract/permissions';
import { type Tier, tier } from '@flowplane/contract/tiers';
import { errors, type JWSHeaderParameters, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Principal } from '../context.ts';
import type { Auth } from './auth.ts';
import { permissionsOf } from './role-permissions.ts';

const minutes = 30;
const audience = 'flowplane';
const type = 'at+jwt';
const longest = 4_096;

const claims = z.object({ sub: id, sid: z.hex().length(64), tid: id, role, tier, jti: z.guid(), exp: z.int() });

/** A verified token's principal, until when it holds (ms since 1970). */
export type VerifiedToken = { principal: Principal; expiresAt: number };

/** Whom an access token speaks for. */
export type TokenSubject = { userId: string; teamId: string; sessionId: string; role: Role; tier: Tier };

/** Signs an access token: an RS256 JWT of 30 minutes (RFC 9068). It holds until it expires, also when its session ends. */
export async function signAccessToken(
  { issuer, signingKey }: Auth,
  subject: TokenSubject,
): Promise<{ accessToken: string; expiresAt: Date }> {
  const now = Math.floor(Date.now() / 1000);
  const expiry = now + minutes * 60;
  const { sessionId: sid, teamId: tid, role, tier } = subject;
  const accessToken = await new SignJWT({ sid, tid, role, tier })
    .setProtectedHeader({ alg: 'RS256', kid: signingKey.kid, typ: type })
    .setSubject(subject.userId)
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(expiry)
    .sign(signingKey.privateKey);
  return { accessToken, expiresAt: new Date(expiry * 1000) };
}

function refusal(error?: unknown): Refusal {
  const expired = error instanceof errors.JWTExpired;
  const what = expired ? 'The access token has expired' : 'The access token is not valid';
  return new Refusal('unauthenticated', `${what}: get another with the refresh token, or sign in.`);
}

async function verify(auth: Auth, token: string): Promise<Principal> {
  const { issuer, signingKey, verifiedTokens } = auth;
  const keyOf = (header: JWSHeaderParameters) => {
    if (header.kid !== signingKey.kid) throw refusal();
    return signingKey.publicKey;
  };
  const options = { algorithms: ['RS256'], typ: type, issuer, audience, requiredClaims: ['exp', 'iat'] };
  // Whatever is wrong with it, it is a token that is not ours.
  const { payload } = await jwtVerify(token, keyOf, options).catch((error) => Promise.reject(refusal(error)));
  const { success, data } = claims.safeParse(payload);
  if (!success) throw refusal();
  const { sub: userId, tid: teamId, sid: sessionId, role, tier } = data;
  const permissions = permissionsOf(role);
  const principal: Principal = { kind: 'jwt', userId, teamId, role, permissions, tier, sessionId };
  verifiedTokens.set(token, { principal, expiresAt: data.exp * 1000 });
  return principal;
}

/**
 * Whom an access token speaks for: at once when it was verified before, because verifying RS256 each time would be the
 * largest cost of a request.
 *
 * @throws Refusal `unauthenticated`, also as a rejection, for whatever is not an unexpired access token of this instance.
 */
export function tokenPrincipal(auth: Auth, token: string): Principal | Promise<Principal> {
  const known = auth.verifiedTokens.get(token);
  if (known && Date.now() < known.expiresAt) return known.principal;
  if (token.length > longest) throw refusal();
  return verify(auth, token);
}
