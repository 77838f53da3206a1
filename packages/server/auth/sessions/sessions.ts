import type { Db } from '@flowplane/db/database';
import { afterCommit } from '@flowplane/db/transaction';
import { Lucia, TimeSpan } from 'lucia';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { looksLikeSecret, newSecret, sha256 } from '../secrets.ts';
import { absoluteDays, type SessionFacts, sessionAdapter, type UserFacts } from './session-adapter.ts';

// lucia no longer gets releases; nothing else imports it, so that replacing it stays a change of this file.
declare module 'lucia' {
  interface Register {
    Lucia: Sessions;
    DatabaseSessionAttributes: SessionFacts;
    DatabaseUserAttributes: UserFacts;
  }
}

/** Browser sessions: 30 days from their last use, 90 days at most. */
export type Sessions = Lucia<Pick<SessionFacts, 'teamId'>, UserFacts>;

/** Who signs in from where, as kept with the session, and by which request. */
export type SignInFrom = { ip: string; userAgent: string | undefined; id?: string | undefined };

/** Prepares sessions. Secure cookies carry the `__Host-` prefix: only this very host can have set them (RFC 6265bis). */
export function createSessions(db: Db, { secureCookies }: { secureCookies: boolean }): Sessions {
  return new Lucia(sessionAdapter(db), {
    sessionExpiresIn: new TimeSpan(30, 'd'),
    sessionCookie: {
      name: secureCookies ? '__Host-session' : 'session',
      attributes: { secure: secureCookies, sameSite: 'lax', path: '/' },
    },
    getSessionAttributes: ({ teamId }) => ({ teamId }),
    getUserAttributes: ({ role, permissions, tier }) => ({ role, permissions, tier }),
  });
}

/**
 * Starts a session. Only the cookie carries its token; the database has the token's SHA-256 as the session's id.
 *
 * @returns the session's id and the `Set-Cookie` value.
 */
export async function createSession(
  auth: Auth,
  { userId, teamId }: { userId: string; teamId: string },
  from: SignInFrom,
): Promise<{ sessionId: string; cookie: string }> {
  const token = newSecret();
  const userAgent = from.userAgent?.slice(0, 256) ?? null;
  const { id } = await auth.sessions.createSession(
    userId,
    { teamId, userAgent, ip: from.ip },
    { sessionId: sha256(token) },
  );
  // Sign-ins pay for the removal of what has expired: it needs no timer, and the table stays as small as its use.
  await auth.sessions.deleteExpiredSessions();
  const cookie = auth.sessions.createSessionCookie(token);
  // The database decides how long a session lives; a cookie of the longest life need not be sent again as it slides.
  cookie.attributes.maxAge = absoluteDays * 86_400;
  return { sessionId: id, cookie: cookie.serialize() };
}

/** Ends a session with its refresh tokens, and its access tokens: here at once, in other processes within a second. */
export async function revokeSession(auth: Auth, sessionId: string): Promise<void> {
  await auth.sessions.invalidateSession(sessionId);
  forgetSessions(auth, [sessionId]);
}

/** Deletes the sessions of a user, all or all but one. @returns their ids, for `forgetSessions` when that is committed. */
export async function deleteSessions(tx: Db, userId: string, but?: string): Promise<string[]> {
  const ended = await tx
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .$if(but !== undefined, (query) => query.where('id', '<>', but ?? ''))
    .returning('id')
    .execute();
  return ended.map(({ id }) => id);
}

/** Makes this process ask again about sessions that have ended, as soon as that is committed. */
export function forgetSessions(auth: Auth, ids: readonly string[]): void {
  void afterCommit(auth.database.db, () => {
    for (const id of ids) auth.sessionPrincipals.delete(id);
  });
}

/** The `Set-Cookie` value that makes a browser forget its session. */
export function forgetfulCookie(auth: Auth): string {
  return auth.sessions.createBlankSessionCookie().serialize();
}

/** The session's token in a `Cookie` header. lucia's own reader throws on a `%` in anybody else's cookie. */
export function sessionTokenOf(auth: Auth, cookieHeader: string): string | undefined {
  const start = `${auth.sessions.sessionCookieName}=`;
  for (const part of cookieHeader.split(';')) {
    const pair = part.trim();
    if (pair.startsWith(start)) return pair.slice(start.length);
  }
  return undefined;
}

/** Who holds this session token, with the role they have now; undefined when it is unknown or expired. */
export async function sessionPrincipal(auth: Auth, token: string): Promise<Principal | undefined> {
  if (!looksLikeSecret(token)) return undefined;
  const { session, user } = await auth.sessions.validateSession(sha256(token));
  if (!session) return undefined;
  const { role, permissions, tier } = user;
  return { kind: 'session', userId: user.id, teamId: session.teamId, role, permissions, tier, sessionId: session.id };
}
