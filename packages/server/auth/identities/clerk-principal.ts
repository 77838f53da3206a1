import { Refusal } from '@flowplane/contract/errors';
import { decodeJwt, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { noteUse } from '../last-used.ts';
import { lookedUp } from '../lookup.ts';
import { roleColumns, roleOf } from '../role-permissions.ts';
import { accountFor } from './account-for.ts';
import { type Clerk, type ClerkToken, clerkClaims } from './clerk.ts';

const longest = 8_192;
/** Seconds by which Clerk's clock and ours may differ; its own libraries allow as many. */
const clockTolerance = 5;

const claims = clerkClaims.extend({
  sub: z.string().regex(/^[\w-]{1,255}$/),
  exp: z.int(),
  azp: z.string().optional(),
  /** `pending`: signed in, but something is still to be done at Clerk first. */
  sts: z.string().optional(),
});

/** Whether a token says that it is Clerk's. Whether that is true is another question. */
export function saysItIsOf({ issuer, verifiedTokens }: Clerk, token: string): boolean {
  if (token.length > longest) return false;
  if (verifiedTokens.has(token)) return true;
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    return false;
  }
}

function refusal(error?: unknown): Refusal {
  const expired = error instanceof errors.JWTExpired;
  const what = expired ? 'The token has expired' : 'The token is not valid here';
  return new Refusal('unauthenticated', `${what}: get another from Clerk.`);
}

async function verify(auth: Auth, clerk: Clerk, token: string): Promise<ClerkToken> {
  const options = { algorithms: ['RS256'], issuer: clerk.issuer, clockTolerance, requiredClaims: ['exp', 'sub'] };
  const { payload, protectedHeader } = await jwtVerify(token, clerk.keys, options).catch((error) => {
    throw error instanceof errors.JOSEError ? refusal(error) : error;
  });
  const { success, data } = claims.safeParse(payload);
  if (!success || data.sts === 'pending') throw refusal();
  if (protectedHeader.typ !== undefined && protectedHeader.typ.toUpperCase() !== 'JWT') throw refusal();
  // A token of a page elsewhere. Apps that are no pages have no origin.
  if (data.azp !== undefined && !clerk.allowedOrigins.has(data.azp)) throw refusal();
  // Session tokens have none: this was made for another service, which may hand it on.
  if (payload.aud !== undefined && ![payload.aud].flat().includes(auth.issuer)) throw refusal();
  const verified = { subject: data.sub, expiresAt: data.exp * 1_000, said: clerkClaims.parse(data) };
  clerk.verifiedTokens.set(token, verified);
  return verified;
}

type Known = { principal: Principal; email: string | null };

async function lookUp({ database }: Auth, { issuer }: Clerk, subject: string): Promise<Known | undefined> {
  const row = await database.db
    .selectFrom('identities as i')
    .innerJoin('users as u', 'u.id', 'i.user_id')
    .innerJoin('memberships as m', 'm.user_id', 'i.user_id')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['i.id', 'i.user_id', 'i.last_used_at', 'm.team_id', 'u.tier', 'u.email'])
    .select(roleColumns)
    .where('i.issuer', '=', issuer)
    .where('i.subject', '=', subject)
    .orderBy('m.created_at')
    .orderBy('m.team_id')
    .limit(1)
    .executeTakeFirst();
  if (!row) return undefined;
  noteUse(database.db, 'identities', { id: row.id, lastUsedAt: row.last_used_at });
  const { user_id: userId, team_id: teamId, tier } = row;
  const principal: Principal = { kind: 'clerk', userId, teamId, ...roleOf(row), tier, sessionId: null };
  return { principal, email: row.email };
}

/** Who it is, who has an account from the first time on. */
async function comes(auth: Auth, clerk: Clerk, token: ClerkToken): Promise<Principal | undefined> {
  const { subject, said } = token;
  const known = await lookUp(auth, clerk, subject);
  if (known && (known.email !== null || !said.email || !said.email_verified)) return known.principal;
  const claims = await clerk.claimsOf(token);
  await accountFor(auth.database.db, claims).catch((error) => {
    if (!(error instanceof Refusal) || error.code !== 'email_taken') throw error;
    throw new Refusal('unauthenticated', error.message);
  });
  return (await lookUp(auth, clerk, subject))?.principal;
}

function present(principal: Principal | undefined): Principal {
  if (!principal) throw new Refusal('unauthenticated', 'This account is in no team any more.');
  return principal;
}

function ofSubject(auth: Auth, clerk: Clerk, token: ClerkToken): Principal | Promise<Principal> {
  const found = lookedUp(clerk.principals, token.subject, () => comes(auth, clerk, token));
  return found instanceof Promise ? found.then(present) : found;
}

/**
 * Whom a session token of Clerk speaks for. Whoever comes for the first time gets an account, or the one with the same address if
 * both sides have verified that. Permissions are those of this instance: claims of Clerk's organizations mean nothing here.
 *
 * @throws Refusal, also as a rejection: `unauthenticated` for whatever is not an unexpired token of this Clerk for one of our
 *   origins, `unavailable` when Clerk's keys cannot be had.
 */
export function clerkPrincipal(auth: Auth, clerk: Clerk, token: string): Principal | Promise<Principal> {
  const known = clerk.verifiedTokens.get(token);
  if (known && Date.now() < known.expiresAt) return ofSubject(auth, clerk, known);
  return verify(auth, clerk, token).then((verified) => ofSubject(auth, clerk, verified));
}
