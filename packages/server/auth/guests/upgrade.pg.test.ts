import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, call, problemOf, testApi } from '../../test-api.ts';
import { authenticate } from '../authenticate.ts';
import { openAuth, password } from '../test-auth.ts';
import { newGuest } from './test-guests.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let host: Awaited<ReturnType<typeof api.member>>;

beforeAll(async () => {
  api = await testApi({ auth: { guestDays: 7 } });
  host = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

function anyEmail(): string {
  return `${randomUUID()}@example.com`;
}

test('a guest who registers is the same user in the same team with everything in it, as its admin', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  const execution = await guest.api.workflows.execute({ id, draft: true, wait: 10 });
  // As a browser does.
  const principal = await authenticate(api.auth, { cookie: guest.cookie }, 'GET');
  const ctx = host.as(principal);
  const email = anyEmail();
  const { auth } = await host.as(undefined);
  const account = await call(ctx, 'auth.register', { email, password, name: 'Ada' });
  expect(account).toMatchObject({
    user: { id: guest.user.id, email, name: 'Ada' },
    team: { id: guest.team.id, slug: guest.team.slug, name: 'Ada' },
  });
  const { accessToken } = await host.api.auth.login({ email, password });
  const now = await authenticate(auth, { authorization: `Bearer ${accessToken}` }, 'GET');
  expect(now).toMatchObject({ userId: guest.user.id, teamId: guest.team.id, role: 'admin' });
  expect(await call(host.as(now), 'workflows.get', { id })).toMatchObject({ name: 'Mine' });
  expect(await call(host.as(now), 'executions.get', { id: execution.id })).toMatchObject({ output: 1 });
  expect(await call(host.as(now), 'users.me', undefined)).toMatchObject({ user: { email, guestUntil: null } });
});

test('threat 32: every token of the guest ends when they register, here at once and elsewhere within a second', async () => {
  const guest = await newGuest(api, host);
  const elsewhere = await openAuth(api.url, { guestDays: 7 });
  await guest.whoSends(guest.accessToken, elsewhere);
  await call(guest.as(), 'auth.register', { email: anyEmail(), password });
  await expect(guest.whoSends(guest.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(await authenticate(api.auth, { cookie: guest.cookie }, 'GET')).toBeUndefined();
  const refreshing = call(host.as(undefined), 'auth.refresh', { refreshToken: guest.refreshToken });
  expect(await problemOf(refreshing)).toMatchObject({ code: 'unauthenticated' });
  await expect
    .poll(() => guest.whoSends(guest.accessToken, elsewhere).then(String, ({ code }) => code), { timeout: 3_000 })
    .toBe('unauthenticated');
  await elsewhere.database.close();
});

test('threat 32: of 20 who register one guest at once one does, and the others are told', async () => {
  const guest = await newGuest(api, host);
  const emails = Array.from({ length: 20 }, anyEmail);
  const tried = await Promise.allSettled(emails.map((email) => call(guest.as(), 'auth.register', { email, password })));
  const made = tried.filter(({ status }) => status === 'fulfilled');
  expect(made).toHaveLength(1);
  const again = await problemOf(call(guest.as(), 'auth.register', { email: anyEmail(), password }));
  expect(again).toMatchObject({ status: 409, code: 'conflict', detail: expect.stringContaining('sign in') });
  const users = await api.database.db.selectFrom('users').select('id').where('email', 'in', emails).execute();
  expect(users).toEqual([{ id: guest.user.id }]);
});

test('threat 32: neither a role nor a tier can be had by naming it', async () => {
  const guest = await newGuest(api, host);
  for (const more of [{ role: 'admin' }, { tier: 'unlimited' }, { isOwner: true }, { teamId: randomUUID() }]) {
    const registering = call(guest.as(), 'auth.register', { email: anyEmail(), password, ...more });
    expect(await problemOf(registering)).toMatchObject({ status: 400, code: 'invalid_input' });
  }
  expect(await guest.api.users.me()).toMatchObject({ role: 'guest', tier: 'basic' });
  await call(guest.as(), 'auth.register', { email: anyEmail(), password });
  const row = api.database.db.selectFrom('users').select(['tier', 'is_owner']).where('id', '=', guest.user.id);
  expect(await row.executeTakeFirst()).toEqual({ tier: 'basic', is_owner: false });
});

test('a guest who registers with somebody’s email stays a guest, is told of merging, and may take another', async () => {
  const guest = await newGuest(api, host);
  const taken = await problemOf(
    call(guest.as(), 'auth.register', { email: (await host.api.users.me()).user.email, password }),
  );
  expect(taken).toMatchObject({ status: 409, code: 'email_taken', detail: expect.stringContaining('merge') });
  expect(await guest.whoSends(guest.accessToken)).toMatchObject({ role: 'guest' });
  await expect(call(guest.as(), 'auth.register', { email: anyEmail(), password })).resolves.toBeDefined();
});

test('an account that registers another is not changed by it', async () => {
  const made = await call(host.as(host.principal), 'auth.register', { email: anyEmail(), password });
  expect(made).not.toMatchObject({ user: { id: host.principal.userId } });
  expect(await host.api.users.me()).toMatchObject({ user: { id: host.principal.userId }, role: 'admin' });
});
