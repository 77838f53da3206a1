import { loginInput } from '@flowplane/contract/auth';
import { limits } from '@flowplane/contract/limits';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { login, logout } from '../accounts.ts';
import type { Auth } from '../auth.ts';
import { authenticate } from '../authenticate.ts';
import { from, newcomer, openAuth, password, sentBack, testAuth } from '../test-auth.ts';
import { sessionAdapter } from './session-adapter.ts';

const suite = await testAuth();
const { auth, database } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

const day = 86_400_000;

function whoHolds(cookie: string, at: Auth = auth) {
  return authenticate(at, { cookie: sentBack(cookie) }, 'GET');
}

/** Moves a session's times by days, as if that time had passed. */
async function age(sessionId: string | null, days: number): Promise<void> {
  const by = sql`make_interval(days => ${days})`;
  await sql`
    update sessions
    set created_at = created_at - ${by}, expires_at = expires_at - ${by}, absolute_expires_at = absolute_expires_at - ${by}
    where id = ${sessionId}`.execute(database.db);
}

async function daysLeft(sessionId: string | null): Promise<number> {
  const row = database.db
    .selectFrom('sessions')
    .select('expires_at')
    .where('id', '=', sessionId ?? '');
  return Math.round(((await row.executeTakeFirstOrThrow()).expires_at.getTime() - Date.now()) / day);
}

test('the cookie is for this host only, out of scripts’ reach, and lives as long as a session may', async () => {
  const { cookie } = await newcomer(auth);
  expect(cookie).toMatch(/^__Host-session=[\w-]{43}; /);
  expect(cookie.split('; ').slice(1).sort()).toEqual([
    'HttpOnly',
    `Max-Age=${90 * 86_400}`,
    'Path=/',
    'SameSite=Lax',
    'Secure',
  ]);
  const plain = await openAuth(suite.url, { secureCookies: false });
  const made = await newcomer(plain);
  await plain.database.close();
  expect(made.cookie).toMatch(/^session=[\w-]{43}; /);
  expect(made.cookie).not.toContain('Secure');
});

test('nothing that signs in is in the database in clear', async () => {
  const { cookie, signedIn } = await newcomer(auth);
  const token = sentBack(cookie).split('=')[1] ?? '';
  const tables = ['sessions', 'refresh_tokens', 'users'] as const;
  const dump = JSON.stringify(
    await Promise.all(tables.map((name) => database.db.selectFrom(name).selectAll().execute())),
  );
  for (const secret of [token, signedIn.refreshToken, signedIn.refreshToken.slice(4), signedIn.accessToken]) {
    expect(dump).not.toContain(secret);
  }
  expect(dump).toContain(signedIn.user.id);
});

test('a session is somebody until logout, which also holds in other processes', async () => {
  const { cookie, signedIn, principal } = await newcomer(auth);
  const other = await openAuth(suite.url);
  expect(await whoHolds(cookie)).toMatchObject({
    kind: 'session',
    userId: signedIn.user.id,
    teamId: signedIn.team.id,
    role: 'admin',
    sessionId: principal.sessionId,
  });
  expect(await whoHolds(cookie, other)).toBeDefined();
  expect(await logout(auth, await whoHolds(cookie), from)).toMatch(/^__Host-session=; .*Max-Age=0/);
  expect(await whoHolds(cookie)).toBeUndefined();
  expect(await whoHolds(cookie, other)).toBeUndefined();
  await other.database.close();
});

test('the session’s id, which access tokens carry, is not a session token', async () => {
  const { principal } = await newcomer(auth);
  expect(await whoHolds(`__Host-session=${principal.sessionId}`)).toBeUndefined();
});

test('an unused session ends after 30 days; a used one goes on from its use', async () => {
  const idle = await newcomer(auth);
  await age(idle.principal.sessionId, 31);
  expect(await whoHolds(idle.cookie)).toBeUndefined();

  const used = await newcomer(auth);
  await age(used.principal.sessionId, 20);
  expect(await daysLeft(used.principal.sessionId)).toBe(10);
  expect(await whoHolds(used.cookie)).toBeDefined();
  expect(await daysLeft(used.principal.sessionId)).toBe(30);
});

test('however much it is used, a session ends after 90 days', async () => {
  const { cookie, principal } = await newcomer(auth);
  for (let days = 0; days < 80; days += 20) {
    await age(principal.sessionId, 20);
    expect(await whoHolds(cookie)).toBeDefined();
  }
  expect(await daysLeft(principal.sessionId)).toBe(10);
  await age(principal.sessionId, 11);
  expect(await whoHolds(cookie)).toBeUndefined();
});

test('the absolute end holds by itself, whatever the sliding one says', async () => {
  const { cookie, principal } = await newcomer(auth);
  await sql`update sessions set absolute_expires_at = now() - interval '1 s' where id = ${principal.sessionId}`.execute(
    database.db,
  );
  expect(await whoHolds(cookie)).toBeUndefined();
  expect(await sessionAdapter(database.db).getUserSessions(principal.userId)).toEqual([]);
});

test('50 requests at once prolong a session by one write', async () => {
  const { cookie, principal } = await newcomer(auth);
  await age(principal.sessionId, 20);
  await sql`create table writes (at timestamptz)`.execute(database.db);
  await sql`create function note() returns trigger language plpgsql as 'begin insert into writes values (now()); return new; end'`.execute(
    database.db,
  );
  await sql`create trigger note after update on sessions for each row execute function note()`.execute(database.db);
  const seen = await Promise.all(Array.from({ length: 50 }, () => whoHolds(cookie)));
  await sql`drop trigger note on sessions`.execute(database.db);
  expect(seen.every((principal) => principal?.kind === 'session')).toBe(true);
  const { rows } = await sql`select * from writes`.execute(database.db);
  expect(rows).toHaveLength(1);
});

test('who lost the membership or the account has no session any more', async () => {
  const { cookie, signedIn } = await newcomer(auth);
  await database.db.deleteFrom('memberships').where('user_id', '=', signedIn.user.id).execute();
  expect(await whoHolds(cookie)).toBeUndefined();
  const gone = await newcomer(auth);
  await database.db.deleteFrom('users').where('id', '=', gone.signedIn.user.id).execute();
  expect(await whoHolds(gone.cookie)).toBeUndefined();
});

test('signing in removes expired sessions with their refresh tokens, and only those', async () => {
  const old = await newcomer(auth);
  const living = await newcomer(auth);
  await age(old.principal.sessionId, 31);
  await newcomer(auth);
  const left = await database.db.selectFrom('sessions').select('id').execute();
  expect(left.map(({ id }) => id)).toContain(living.principal.sessionId);
  expect(left.map(({ id }) => id)).not.toContain(old.principal.sessionId);
  const tokens = database.db.selectFrom('refresh_tokens').select('hash');
  expect(await tokens.where('session_id', '=', old.principal.sessionId ?? '').execute()).toEqual([]);
});

test('a user has so many sessions: with one more, the one that was not used for longest ends', async () => {
  const email = `${crypto.randomUUID()}@example.com`;
  const { signedIn, sessionId, cookie } = await newcomer(auth, email);
  const userId = signedIn.user.id;
  const more = Array.from({ length: limits.sessions - 2 }, (_, i) =>
    sessionAdapter(database.db).setSession({
      id: `${userId} ${i}`,
      userId,
      expiresAt: new Date(Date.now() + day),
      attributes: { teamId: signedIn.team.id, userAgent: null, ip: null },
    }),
  );
  await Promise.all(more);
  await database.db
    .updateTable('sessions')
    .set({ last_used_at: new Date(Date.now() - day) })
    .where('id', '=', sessionId)
    .execute();
  const enter = () => login(auth, loginInput.parse({ email, password }), from);
  const last = await enter();
  expect(await whoHolds(last.cookie)).toMatchObject({ userId });
  await enter();
  expect(await whoHolds(cookie)).toBeUndefined();
  const bearer = { authorization: `Bearer ${signedIn.accessToken}` };
  await expect((async () => authenticate(auth, bearer, 'GET'))()).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(await whoHolds(last.cookie)).toMatchObject({ userId });
  const left = await database.db.selectFrom('sessions').select('id').where('user_id', '=', userId).execute();
  expect(left).toHaveLength(limits.sessions);
});

test('a user’s sessions are listed newest first, are prolonged only forward and up to the cap, and end together', async () => {
  const { principal } = await newcomer(auth);
  const adapter = sessionAdapter(database.db);
  const expiresAt = new Date(Date.now() + day);
  const attributes = { teamId: principal.teamId, userAgent: from.userAgent, ip: from.ip };
  await adapter.setSession({ id: 'f'.repeat(64), userId: principal.userId, expiresAt, attributes });
  const all = await adapter.getUserSessions(principal.userId);
  expect(all.map(({ id }) => id)).toEqual(['f'.repeat(64), principal.sessionId]);
  expect(all[0]).toEqual({ id: 'f'.repeat(64), userId: principal.userId, expiresAt, attributes });
  await adapter.updateSessionExpiration('f'.repeat(64), new Date(Date.now() + 1_000 * day));
  expect(await daysLeft('f'.repeat(64))).toBe(90);
  await adapter.updateSessionExpiration('f'.repeat(64), new Date());
  expect(await daysLeft('f'.repeat(64))).toBe(90);
  await adapter.deleteUserSessions(principal.userId);
  expect(await adapter.getUserSessions(principal.userId)).toEqual([]);
});

test.each(['__Host-session=%', '__Host-session=', 'a=%E0%A4%A; __Host-session=short', '=; ;;=', '__Host-session'])(
  'a cookie header like %s is nobody, not an error',
  async (cookie) => {
    expect(await authenticate(auth, { cookie }, 'GET')).toBeUndefined();
  },
);
