import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { logout } from '../accounts.ts';
import { authenticate } from '../authenticate.ts';
import { from, newcomer, sentBack, testAuth } from '../test-auth.ts';
import { refresh } from './refresh.ts';
import { tokenPrincipal } from './tokens.ts';

const suite = await testAuth();
const { auth, database } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

const refused = { code: 'unauthenticated' };

test('a refresh token buys a new pair for the same session', async () => {
  const { signedIn, principal } = await newcomer(auth);
  expect(signedIn.refreshToken).toMatch(/^fpr_[\w-]{43}$/);
  const next = await refresh(auth, signedIn, from);
  expect(next).toMatchObject({ user: signedIn.user, team: signedIn.team });
  expect(next.refreshToken).not.toBe(signedIn.refreshToken);
  expect(await tokenPrincipal(auth, next.accessToken)).toMatchObject({ sessionId: principal.sessionId });
  await expect(refresh(auth, next, from)).resolves.toBeDefined();
});

/** Moves what was used out of the time in which a token may come twice. */
async function later(sessionId: string | null): Promise<void> {
  await sql`update refresh_tokens set used_at = used_at - interval '11 s' where session_id = ${sessionId}`.execute(
    database.db,
  );
}

test('threat 27: using a token again ends the session: its successor, its access tokens and the cookie die too, other sessions live', async () => {
  const stolen = await newcomer(auth);
  const bystander = await newcomer(auth);
  const next = await refresh(auth, stolen.signedIn, from);
  await later(stolen.principal.sessionId);
  await expect(refresh(auth, stolen.signedIn, from)).rejects.toMatchObject(refused);
  await expect(refresh(auth, next, from)).rejects.toMatchObject(refused);
  for (const { accessToken } of [stolen.signedIn, next]) {
    await expect(async () => tokenPrincipal(auth, accessToken)).rejects.toMatchObject(refused);
  }
  expect(await authenticate(auth, { cookie: sentBack(stolen.cookie) }, 'GET')).toBeUndefined();
  await expect(refresh(auth, bystander.signedIn, from)).resolves.toBeDefined();
});

test('threat 27: two tabs that refresh at once get the same successor, and the session goes on', async () => {
  const { signedIn } = await newcomer(auth);
  const all = await Promise.all(Array.from({ length: 8 }, () => refresh(auth, signedIn, from)));
  expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(1);
  const [first] = all;
  if (!first) throw new Error('eight were asked for');
  await expect(refresh(auth, first, from)).resolves.toBeDefined();
});

test('threat 27: once its successor was used, a token is not taken again, however soon', async () => {
  const { signedIn, principal } = await newcomer(auth);
  await refresh(auth, await refresh(auth, signedIn, from), from);
  await expect(refresh(auth, signedIn, from)).rejects.toMatchObject(refused);
  const left = database.db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', principal.sessionId ?? '');
  expect(await left.execute()).toEqual([]);
});

test('logging out while refreshing neither deadlocks nor leaves a living token', async () => {
  for (let n = 0; n < 10; n += 1) {
    const { signedIn, principal } = await newcomer(auth);
    const [next] = await Promise.allSettled([refresh(auth, signedIn, from), logout(auth, principal, from)]);
    if (next.status === 'rejected') expect(next.reason).toMatchObject(refused);
    else await expect(refresh(auth, next.value, from)).rejects.toMatchObject(refused);
  }
});

test('an expired token is refused, and does not end the session', async () => {
  const { signedIn, principal, cookie } = await newcomer(auth);
  await sql`update refresh_tokens set expires_at = now() where session_id = ${principal.sessionId}`.execute(
    database.db,
  );
  await expect(refresh(auth, signedIn, from)).rejects.toMatchObject(refused);
  expect(await authenticate(auth, { cookie: sentBack(cookie) }, 'GET')).toBeDefined();
});

test('refreshing keeps a session alive for 30 days more, never past its absolute end', async () => {
  const { signedIn, principal } = await newcomer(auth);
  const ends = async () => {
    const { rows } = await sql<{ session: number; token: number }>`
      select round(extract(epoch from s.expires_at - now()) / 86400)::int as session,
             round(extract(epoch from r.expires_at - now()) / 86400)::int as token
      from sessions s join refresh_tokens r on r.session_id = s.id and r.used_at is null
      where s.id = ${principal.sessionId}`.execute(database.db);
    return rows[0];
  };
  await sql`update sessions set expires_at = now() + interval '1 day' where id = ${principal.sessionId}`.execute(
    database.db,
  );
  const next = await refresh(auth, signedIn, from);
  expect(await ends()).toEqual({ session: 30, token: 30 });
  await sql`
    update sessions set expires_at = now() + interval '1 day', absolute_expires_at = now() + interval '5 days'
    where id = ${principal.sessionId}`.execute(database.db);
  const last = await refresh(auth, next, from);
  expect(await ends()).toEqual({ session: 5, token: 5 });
  await sql`update sessions set absolute_expires_at = now() where id = ${principal.sessionId}`.execute(database.db);
  await expect(refresh(auth, last, from)).rejects.toMatchObject(refused);
});

test('tokens carry the role as it is now', async () => {
  const { signedIn, principal } = await newcomer(auth);
  await database.db
    .updateTable('memberships')
    .set({ role: 'readonly' })
    .where('user_id', '=', principal.userId)
    .execute();
  const next = await refresh(auth, signedIn, from);
  expect(await tokenPrincipal(auth, next.accessToken)).toMatchObject({ role: 'readonly' });
});

test.each(['', 'fpr_', 'fpr_x', `fpr_${'A'.repeat(43)}`, `fpr_${'A'.repeat(42)}'`, 'x'.repeat(512)])(
  'what is no refresh token of ours is refused: %s',
  async (refreshToken) => {
    await expect(refresh(auth, { refreshToken }, from)).rejects.toMatchObject(refused);
  },
);
