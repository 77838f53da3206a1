import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { login, logout } from '../accounts.ts';
import type { Auth } from '../auth.ts';
import { authenticate } from '../authenticate.ts';
import { changePassword } from '../passwords/change-password.ts';
import { from, newcomer, openAuth, password, sentBack, testAuth } from '../test-auth.ts';
import { refresh } from '../tokens/refresh.ts';
import { endOtherSessions, endSession, listSessions } from './session-list.ts';

const suite = await testAuth();
const { auth, database } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

const refused = { code: 'unauthenticated' };
const page = { limit: 20 };

function whoSends(accessToken: string, at: Auth = auth) {
  return (async () => authenticate(at, { authorization: `Bearer ${accessToken}` }, 'GET'))();
}

function signInAgain(email: string, given = password) {
  return login(auth, { email, password: given }, { ip: '198.51.100.9', userAgent: 'another browser' });
}

/** Everything of a sign-in is refused. */
async function expectEnded({ signedIn, cookie }: Awaited<ReturnType<typeof signInAgain>>): Promise<void> {
  await expect(whoSends(signedIn.accessToken)).rejects.toMatchObject(refused);
  await expect(refresh(auth, signedIn, from)).rejects.toMatchObject(refused);
  expect(await authenticate(auth, { cookie: sentBack(cookie) }, 'GET')).toBeUndefined();
}

test('threat 28: after logout the access token is refused at once here, and within a second everywhere', async () => {
  const { signedIn, principal } = await newcomer(auth);
  const other = await openAuth(suite.url);
  await whoSends(signedIn.accessToken, other);
  await logout(auth, principal, from);
  await expect(whoSends(signedIn.accessToken)).rejects.toMatchObject(refused);
  await sleep(1_050);
  await expect(whoSends(signedIn.accessToken, other)).rejects.toMatchObject(refused);
  await other.database.close();
});

test('threat 28: a lookup that a logout overtakes is not remembered', async () => {
  const { signedIn, principal } = await newcomer(auth);
  auth.sessionPrincipals.clear();
  const early = Promise.allSettled([whoSends(signedIn.accessToken), whoSends(signedIn.accessToken)]);
  await logout(auth, principal, from);
  await early;
  await expect(whoSends(signedIn.accessToken)).rejects.toMatchObject(refused);
});

test('threat 28: a role that changed and a membership that ended hold for access tokens within a second', async () => {
  const { signedIn, principal } = await newcomer(auth);
  const memberships = database.db.updateTable('memberships').where('user_id', '=', principal.userId);
  await memberships.set({ role: 'readonly' }).execute();
  auth.sessionPrincipals.clear();
  expect(await whoSends(signedIn.accessToken)).toMatchObject({ role: 'readonly' });
  await database.db.deleteFrom('memberships').where('user_id', '=', principal.userId).execute();
  await expect
    .poll(() => whoSends(signedIn.accessToken).then(String, (error) => error.code), { timeout: 3_000 })
    .toBe('unauthenticated');
});

test('threat 28: changing the password ends every session and gives the caller a new one; API keys are no sessions', async () => {
  const first = await newcomer(auth);
  const { email } = first.signedIn.user;
  const second = await signInAgain(email);
  const change = (currentPassword: string, at: Auth = auth) =>
    changePassword(at, first.principal, { currentPassword, newPassword: 'four other words', ...from });
  await expect(change('not my password')).rejects.toMatchObject({ code: 'invalid_credentials' });
  await expect(whoSends(second.signedIn.accessToken)).resolves.toBeDefined();
  const third = await change(password);
  for (const ended of [first, second]) await expectEnded(ended);
  expect(await whoSends(third.signedIn.accessToken)).toMatchObject({ userId: first.principal.userId });
  expect(await authenticate(auth, { cookie: sentBack(third.cookie) }, 'GET')).toBeDefined();
  await expect(signInAgain(email)).rejects.toMatchObject({ code: 'invalid_credentials' });
  await expect(signInAgain(email, 'four other words')).resolves.toBeDefined();
  const key = { ...first.principal, kind: 'apiKey' as const, sessionId: null };
  const byKey = changePassword(auth, key, { currentPassword: password, newPassword: 'x'.repeat(12), ...from });
  await expect(byKey).rejects.toMatchObject({ code: 'forbidden' });
});

test('threat 28: signing in makes a session of its own, whatever cookie came before', async () => {
  const { signedIn, cookie } = await newcomer(auth);
  const again = await signInAgain(signedIn.user.email);
  expect(sentBack(again.cookie)).not.toBe(sentBack(cookie));
});

test('threat 28: a login with the old password while it is changed leaves no session', async () => {
  const { principal, signedIn } = await newcomer(auth);
  const { email } = signedIn.user;
  const { late } = await database.db.transaction().execute(async (tx) => {
    await tx.updateTable('users').set({ password_hash: 'another' }).where('id', '=', principal.userId).execute();
    await tx.deleteFrom('sessions').where('user_id', '=', principal.userId).execute();
    // The old password is right until this is committed: the login has made its session, and waits.
    const waiting = sql<{
      n: number;
    }>`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%password_hash%' and datname = current_database()`;
    const late = signInAgain(email).then(
      () => 'signed in',
      (error) => error.code,
    );
    // Asked outside of the transaction, within which pg_stat_activity stays as it was first read.
    await expect.poll(async () => (await waiting.execute(database.db)).rows[0]?.n, { timeout: 10_000 }).toBe(1);
    return { late };
  });
  expect(await late).toBe('invalid_credentials');
  const left = await database.db.selectFrom('sessions').select('id').where('user_id', '=', principal.userId).execute();
  expect(left).toEqual([]);
});

test('of two password changes at once one wins, and says so to the other', async () => {
  const { principal } = await newcomer(auth);
  const change = (newPassword: string) =>
    changePassword(auth, principal, { currentPassword: password, newPassword, ...from });
  const tried = await Promise.allSettled([change('one new password'), change('another new password')]);
  expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const one of tried) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'conflict' });
});

test('sessions are listed newest first with where they come from, page by page, and only one’s own', async () => {
  const { principal, signedIn } = await newcomer(auth);
  await newcomer(auth);
  await signInAgain(signedIn.user.email);
  const { items, nextCursor } = await listSessions(auth, principal, page);
  expect(items).toMatchObject([
    { address: '198.51.100.0/24', userAgent: 'another browser', current: false },
    { address: '203.0.113.0/24', userAgent: 'tests', current: true },
  ]);
  expect(nextCursor).toBeNull();
  for (const item of items) expect(JSON.stringify(item)).not.toContain(principal.sessionId);
  const [first] = (await listSessions(auth, principal, { limit: 1 })).items;
  const rest = await listSessions(auth, principal, {
    limit: 1,
    cursor: (await listSessions(auth, principal, { limit: 1 })).nextCursor ?? undefined,
  });
  expect([first?.id, ...rest.items.map(({ id }) => id)]).toEqual(items.map(({ id }) => id));
});

test('one session can be ended by its id, or all but one’s own; somebody else’s is not found', async () => {
  const { principal, signedIn } = await newcomer(auth);
  const stranger = await newcomer(auth);
  const second = await signInAgain(signedIn.user.email);
  const third = await signInAgain(signedIn.user.email);
  const { items } = await listSessions(auth, principal, page);
  const id = items[0]?.id ?? '';
  await expect(endSession(auth, stranger.principal, { id })).rejects.toMatchObject({ code: 'not_found' });
  await endSession(auth, principal, { id });
  await expect(endSession(auth, principal, { id })).rejects.toMatchObject({ code: 'not_found' });
  await expectEnded(third);
  await whoSends(second.signedIn.accessToken);
  await endOtherSessions(auth, principal);
  await expectEnded(second);
  await expect(whoSends(signedIn.accessToken)).resolves.toBeDefined();
  await expect(whoSends(stranger.signedIn.accessToken)).resolves.toBeDefined();
});

test('a session notes its use once a minute, not at every request', async () => {
  const { principal, signedIn, cookie } = await newcomer(auth);
  const lastUse = async () => (await listSessions(auth, principal, page)).items[0]?.lastUsedAt.getTime() ?? 0;
  const before = await lastUse();
  await authenticate(auth, { cookie: sentBack(cookie) }, 'GET');
  expect(await lastUse()).toBe(before);
  const age = () =>
    sql`update sessions set last_used_at = now() - interval '2 min' where id = ${principal.sessionId}`.execute(
      database.db,
    );
  await age();
  await authenticate(auth, { cookie: sentBack(cookie) }, 'GET');
  await expect.poll(lastUse, { timeout: 10_000 }).toBeGreaterThanOrEqual(before);
  await age();
  auth.sessionPrincipals.clear();
  await whoSends(signedIn.accessToken);
  await expect.poll(lastUse, { timeout: 10_000 }).toBeGreaterThanOrEqual(before);
});
