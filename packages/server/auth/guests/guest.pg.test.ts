import { signedIn as signedInSchema } from '@flowplane/contract/auth';
import { limits } from '@flowplane/contract/limits';
import { isPermission, roles } from '@flowplane/contract/permissions';
import { operationsOf } from '@flowplane/rest/operations';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRouter } from '../../api.ts';
import { answering, call, problemOf, testApi } from '../../test-api.ts';
import { authenticate } from '../authenticate.ts';
import { from, newcomer, testAuth } from '../test-auth.ts';
import { createGuest } from './guest.ts';
import { newGuest } from './test-guests.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let host: Awaited<ReturnType<typeof api.member>>;

beforeAll(async () => {
  api = await testApi({ auth: { guestDays: 7 } });
  host = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const day = 86_400_000;

test('a guest is signed in like an account, by token and by cookie, and knows when they go', async () => {
  const guest = await newGuest(api, host);
  expect(guest.user).toMatchObject({ email: null, name: 'Guest' });
  expect(guest.team.slug).toMatch(/^guest-[0-9a-f]{12}$/);
  expect(guest.principal).toMatchObject({ kind: 'jwt', role: 'guest', tier: 'basic', teamId: guest.team.id });
  const byCookie = await authenticate(api.auth, { cookie: guest.cookie }, 'GET');
  expect(byCookie).toMatchObject({ kind: 'session', role: 'guest', userId: guest.user.id });
  const { user, role, permissions } = await guest.api.users.me();
  expect([role, [...permissions].sort()]).toEqual(['guest', [...roles.guest].sort()]);
  expect(user.email).toBeNull();
  expect(Math.abs(Number(user.guestUntil) - Date.now() - 7 * day)).toBeLessThan(60_000);
  const refreshed = await call(host.as(undefined), 'auth.refresh', { refreshToken: guest.refreshToken });
  expect(signedInSchema.strict().parse(refreshed).user).toEqual(guest.user);
  expect((await host.api.users.me()).user.guestUntil).toBeNull();
});

test('an instance takes no guests unless it is told to', async () => {
  const { guestDays: _, ...closed } = api.auth;
  const ctx = { ...host.as(undefined), auth: { ...closed, guestDays: undefined } };
  expect(await problemOf(call(ctx, 'auth.guests.create', undefined))).toMatchObject({ status: 403, code: 'forbidden' });
});

test('a guest makes, publishes and runs a workflow, and reads what came of it', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(42) });
  await guest.api.workflows.publish({ id });
  const execution = await guest.api.workflows.execute({ id, wait: 10 });
  expect(execution).toMatchObject({ status: 'completed', output: 42 });
  expect((await guest.api.executions.steps({ id: execution.id })).items).toHaveLength(1);
});

test('threat 32: a guest is refused whatever is not theirs to do: keys, credentials, teams, invitations, their account', async () => {
  const guest = await newGuest(api, host);
  const allowed = new Set<string>(roles.guest);
  const refused: string[] = [];
  for (const { procedure, meta } of operationsOf(appRouter)) {
    const { permission = '' } = meta;
    if (!isPermission(permission) || allowed.has(permission)) continue;
    expect(await problemOf(call(guest.as(), procedure, {})), procedure).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    refused.push(permission);
  }
  for (const permission of ['api-keys:write', 'credentials:read', 'events:write', 'account:write', 'teams:write']) {
    expect(refused).toContain(permission);
  }
});

test('threat 32: a guest reads nothing of another guest, also by a team that they name', async () => {
  const [one, other] = [await newGuest(api, host), await newGuest(api, host)];
  const { id } = await one.api.workflows.create({ name: 'Mine', definition: answering('secret') });
  const execution = await one.api.workflows.execute({ id, draft: true, wait: 10 });
  const calls = [
    problemOf(other.api.workflows.get({ id })),
    problemOf(other.api.executions.get({ id: execution.id })),
    problemOf(other.api.executions.steps({ id: execution.id })),
  ];
  for (const problem of await Promise.all(calls)) expect(problem).toMatchObject({ status: 404, code: 'not_found' });
  expect(await other.api.workflows.list({})).toEqual({ items: [], nextCursor: null });
  const asTeam = { authorization: `Bearer ${other.accessToken}`, 'x-team-id': one.team.id };
  await expect((async () => authenticate(api.auth, asTeam, 'GET'))()).rejects.toMatchObject({ code: 'forbidden' });
});

test('threat 32: of 10,000 guests from one IPv6 network in an hour, ten get in and the rest are told when to come back', async () => {
  const count = async () => {
    const { n } = await api.database.db
      .selectFrom('guests')
      .select((eb) => eb.fn.countAll<string>().as('n'))
      .executeTakeFirstOrThrow();
    return Number(n);
  };
  const before = await count();
  let refused = 0;
  for (let n = 0; n < 10_000; n += 1) {
    const ip = `2001:db8:5::${n.toString(16)}`;
    await createGuest(api.auth, { ...from, ip }).catch((error) => {
      expect(error).toMatchObject({ code: 'rate_limited', retryAfterSeconds: expect.any(Number) });
      refused += 1;
    });
  }
  expect(refused).toBe(10_000 - limits.guest.perAddressPerHour);
  expect((await count()) - before).toBe(limits.guest.perAddressPerHour);
  const ctx = host.as(undefined);
  const late = call({ ...ctx, request: { ...ctx.request, ip: '2001:db8:5::ffff:1' } }, 'auth.guests.create', undefined);
  expect(await problemOf(late)).toMatchObject({ status: 429, code: 'rate_limited' });
  expect(Number(ctx.response.headers['retry-after'])).toBeGreaterThan(0);
});

test('when a guest’s time is over their token, cookie and refresh token are worthless', async () => {
  const guest = await newGuest(api, host);
  const { db } = api.database;
  const { rows } = await sql<{ late: number }>`
    select count(*)::int as late from sessions s join guests g on g.user_id = s.user_id
    where s.absolute_expires_at > g.expires_at or s.expires_at > g.expires_at`.execute(db);
  expect(rows[0]?.late).toBe(0);
  // Time passes.
  await db
    .updateTable('sessions')
    .set({ absolute_expires_at: new Date() })
    .where('user_id', '=', guest.user.id)
    .execute();
  await expect
    .poll(() => guest.whoSends(guest.accessToken).then(String, ({ code }) => code), { timeout: 3_000 })
    .toBe('unauthenticated');
  expect(await authenticate(api.auth, { cookie: guest.cookie }, 'GET')).toBeUndefined();
  const refreshing = call(host.as(undefined), 'auth.refresh', { refreshToken: guest.refreshToken });
  expect(await problemOf(refreshing)).toMatchObject({ code: 'unauthenticated' });
});

test('threat 32: who comes first as a guest does not own the instance, and does not keep the first account from it', async () => {
  await using suite = await testAuth();
  const auth = { ...suite.auth, guestDays: 1 };
  await createGuest(auth, from);
  const { signedIn } = await newcomer(auth);
  const owners = await suite.database.db.selectFrom('users').select('id').where('is_owner', '=', true).execute();
  expect(owners).toEqual([{ id: signedIn.user.id }]);
});
