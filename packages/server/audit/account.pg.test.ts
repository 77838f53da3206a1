import { randomUUID } from 'node:crypto';
import { noTeam } from '@flowplane/db/tables/audit-events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { login, logout } from '../auth/accounts.ts';
import { createOneTimeToken } from '../auth/passwords/one-time-tokens.ts';
import { forgotPassword, resetPassword } from '../auth/passwords/reset-password.ts';
import { verifyEmail } from '../auth/passwords/verify-email.ts';
import { callAs, from, newcomer, password, testAuth } from '../auth/test-auth.ts';
import { refresh } from '../auth/tokens/refresh.ts';

let suite: Awaited<ReturnType<typeof testAuth>>;
beforeAll(async () => {
  suite = await testAuth();
});
afterAll(() => suite[Symbol.asyncDispose]());

type Made = Awaited<ReturnType<typeof newcomer>>;

/** What the log has of an account’s team but for its beginning, the oldest first. */
async function eventsOf({ principal }: Made) {
  const rows = await suite.database.db
    .selectFrom('audit_events')
    .selectAll()
    .where('team_id', '=', principal.teamId)
    .where('action', '<>', 'auth.register')
    .orderBy('id')
    .execute();
  return rows;
}

async function publicIds(userId: string): Promise<string[]> {
  const rows = suite.database.db.selectFrom('sessions').select('public_id').where('user_id', '=', userId);
  return (await rows.orderBy('public_id').execute()).map((row) => row.public_id);
}

test('a registration and a sign-in have a row, with the email and the session', async () => {
  const made = await newcomer(suite.auth);
  const { userId, teamId } = made.principal;
  const { email } = made.signedIn.user;
  await login(suite.auth, { email, password }, { ...from, id: 'req_1' });
  const registered = suite.database.db.selectFrom('audit_events').selectAll().where('team_id', '=', teamId);
  expect(await registered.where('action', '=', 'auth.register').execute()).toMatchObject([
    { user_id: userId, resource_type: 'user', resource_id: userId, email, outcome: 'done', ip: from.ip },
  ]);
  const [, session] = await publicIds(userId);
  expect(await eventsOf(made)).toMatchObject([
    {
      action: 'auth.login',
      outcome: 'done',
      principal: 'none',
      user_id: userId,
      email,
      session_id: session,
      ip: from.ip,
      user_agent: from.userAgent,
      request_id: 'req_1',
    },
  ]);
});

test('threat 35: a wrong password has a row with the account and nobody who did it, an unknown email one in no team', async () => {
  const made = await newcomer(suite.auth);
  const { email } = made.signedIn.user;
  const refused = { code: 'invalid_credentials' };
  await expect(login(suite.auth, { email, password: 'a wrong one' }, from)).rejects.toMatchObject(refused);
  const [event] = await eventsOf(made);
  expect(event).toMatchObject({
    action: 'auth.login',
    outcome: 'refused',
    code: 'invalid_credentials',
    user_id: null,
    email: null,
    resource_id: made.principal.userId,
  });
  const id = randomUUID();
  const unknown = { email: `${id}@example.com`, password };
  await expect(login(suite.auth, unknown, { ...from, id })).rejects.toMatchObject(refused);
  const rows = await suite.database.db.selectFrom('audit_events').selectAll().where('request_id', '=', id).execute();
  expect(rows).toMatchObject([{ team_id: noTeam, resource_id: null, code: 'invalid_credentials', details: {} }]);
  expect(JSON.stringify(rows)).not.toContain(unknown.email);
});

test('from one address 20 failed sign-ins in a minute have a row, and one that says that there was more', async () => {
  const elsewhere = { ip: '198.51.100.77', userAgent: 'guesser' };
  for (let n = 0; n < 25; n += 1) {
    await login(suite.auth, { email: `${randomUUID()}@example.com`, password: 'x' }, elsewhere).catch(() => {});
  }
  const rows = suite.database.db.selectFrom('audit_events').select('details').where('ip', '=', elsewhere.ip);
  const details = (await rows.orderBy('id').execute()).map((row) => row.details);
  expect(details).toEqual([...Array(20).fill({}), { further: 'not recorded' }]);
});

test('a sign-out has a row with the session that it ended; without a session there is none', async () => {
  const made = await newcomer(suite.auth);
  const [session] = await publicIds(made.principal.userId);
  await logout(suite.auth, made.principal, from);
  await logout(suite.auth, undefined, from);
  expect(await eventsOf(made)).toMatchObject([
    { action: 'auth.logout', principal: 'jwt', user_id: made.principal.userId, session_id: session },
  ]);
  expect(await publicIds(made.principal.userId)).toEqual([]);
});

test('threat 27: a refresh token that comes again is an event, with the session that it ended', async () => {
  const made = await newcomer(suite.auth);
  const [session] = await publicIds(made.principal.userId);
  await refresh(suite.auth, await refresh(suite.auth, made.signedIn, from), from);
  expect(await eventsOf(made)).toEqual([]);
  await expect(refresh(suite.auth, made.signedIn, from)).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(await eventsOf(made)).toMatchObject([
    {
      action: 'auth.refresh',
      outcome: 'refused',
      code: 'unauthenticated',
      user_id: null,
      resource_id: made.principal.userId,
      session_id: session,
    },
  ]);
});

test('what is done by mailed tokens is recorded, and nothing for a token that does not work', async () => {
  const made = await newcomer(suite.auth);
  const { userId } = made.principal;
  const { email } = made.signedIn.user;
  await forgotPassword(suite.auth, { email }, from);
  await expect.poll(async () => (await eventsOf(made)).map(({ action }) => action)).toEqual(['auth.password.forgot']);
  const { db } = suite.database;
  const verifying = await createOneTimeToken(db, 'verify_email', { userId, email });
  await verifyEmail(suite.auth, { token: verifying }, from);
  await verifyEmail(suite.auth, { token: verifying }, from).catch(() => {});
  const resetting = await createOneTimeToken(db, 'reset_password', { userId, email });
  await resetPassword(suite.auth, { token: resetting, password: 'four other words' }, from);
  await resetPassword(suite.auth, { token: resetting, password: 'four other words' }, from).catch(() => {});
  const events = await eventsOf(made);
  expect(events.map(({ action }) => action)).toEqual([
    'auth.password.forgot',
    'auth.email.verify',
    'auth.password.reset',
  ]);
  for (const event of events) expect(event).toMatchObject({ user_id: userId, resource_id: userId, outcome: 'done' });
});

test('the life of an API key is in the log, without the key', async () => {
  const made = await newcomer(suite.auth);
  const { call } = callAs(suite.auth, made.principal);
  const { id, key } = Object(await call('mutation', 'apiKeys.create', { name: 'robot' }));
  const rotated = Object(await call('mutation', 'apiKeys.rotate', { id }));
  await call('mutation', 'apiKeys.revoke', { id });
  const events = await eventsOf(made);
  expect(events.map(({ action, resource_id }) => [action, resource_id])).toEqual([
    ['apiKeys.create', id],
    ['apiKeys.rotate', id],
    ['apiKeys.revoke', id],
  ]);
  for (const secret of [key, rotated.key]) expect(JSON.stringify(events)).not.toContain(secret);
});
