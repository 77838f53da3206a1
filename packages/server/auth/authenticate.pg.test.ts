import { apiKeyCreateInput } from '@flowplane/contract/auth';
import { afterAll, expect, test } from 'vitest';
import { createApiKey } from './api-keys/api-keys.ts';
import type { Auth } from './auth.ts';
import { authenticate, type CredentialHeaders } from './authenticate.ts';
import { newcomer, openAuth, sentBack, testAuth } from './test-auth.ts';

const suite = await testAuth();
const { auth } = suite;
const { principal, cookie: setCookie, signedIn } = await newcomer(auth);
const cookie = sentBack(setCookie);
const bearer = `Bearer ${signedIn.accessToken}`;
const { key } = await createApiKey(auth, principal, apiKeyCreateInput.parse({ name: 'key' }));
afterAll(() => suite[Symbol.asyncDispose]());

async function outcome(headers: CredentialHeaders, method = 'GET', at: Auth = auth): Promise<string> {
  try {
    return (await authenticate(at, headers, method))?.kind ?? 'nobody';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

const bad = `fp_live_${'A'.repeat(43)}`;
const precedence: [CredentialHeaders, string][] = [
  [{}, 'nobody'],
  [{ cookie }, 'session'],
  [{ authorization: bearer }, 'jwt'],
  [{ authorization: bearer.replace('Bearer', 'bearer') }, 'jwt'],
  [{ authorization: `Bearer ${key}` }, 'apiKey'],
  [{ 'x-api-key': key }, 'apiKey'],
  [{ 'x-api-key': key, authorization: bearer, cookie }, 'apiKey'],
  [{ authorization: bearer, cookie }, 'jwt'],
  [{ 'x-api-key': bad, authorization: bearer, cookie }, 'unauthenticated'],
  [{ 'x-api-key': '', cookie }, 'unauthenticated'],
  [{ 'x-api-key': [key, key] }, 'unauthenticated'],
  [{ 'x-api-key': signedIn.accessToken }, 'unauthenticated'],
  [{ 'x-api-key': key.slice(0, 16) }, 'unauthenticated'],
  [{ authorization: `Bearer ${bad}`, cookie }, 'unauthenticated'],
  [{ authorization: 'Bearer nonsense', cookie }, 'unauthenticated'],
  [{ authorization: 'Basic dXNlcjpwYXNz', cookie }, 'unauthenticated'],
  [{ authorization: 'Bearer', cookie }, 'unauthenticated'],
  [{ authorization: '', cookie }, 'unauthenticated'],
  [{ cookie: `__Host-session=${'A'.repeat(43)}` }, 'nobody'],
  [{ cookie: cookie.replace('__Host-session', 'session') }, 'nobody'],
];

test.each(precedence)(
  'explicit headers win over the cookie, and a bad one never falls back: %o',
  async (headers, expected) => {
    expect(await outcome(headers)).toBe(expected);
  },
);

const host = 'flowplane.test';
const own = `https://${host}`;
const sameSite: [string, CredentialHeaders, string][] = [
  ['GET', { host, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }, 'session'],
  ['HEAD', { host }, 'session'],
  ['POST', { host, origin: own }, 'session'],
  ['POST', { host, origin: 'https://app.flowplane.test' }, 'session'],
  ['POST', { host, 'sec-fetch-site': 'same-origin' }, 'session'],
  ['POST', { host, 'sec-fetch-site': 'none' }, 'session'],
  ['POST', { host, origin: 'null', 'sec-fetch-site': 'same-origin' }, 'session'],
  ['POST', { host }, 'cross_site_request'],
  ['PUT', { host, origin: 'https://evil.test' }, 'cross_site_request'],
  ['PATCH', { host, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }, 'cross_site_request'],
  ['DELETE', { host, origin: 'null' }, 'cross_site_request'],
  ['POST', { host, origin: `http://${host}` }, 'cross_site_request'],
  ['POST', { host, origin: `${own}.evil.test` }, 'cross_site_request'],
  ['POST', { host, origin: `https://evil.test/${host}` }, 'cross_site_request'],
  ['POST', { host, origin: `https://x@${host}` }, 'cross_site_request'],
  ['POST', { host, origin: `${own}:8443` }, 'cross_site_request'],
  ['POST', { host, origin: 'https://app.flowplane.test.evil.test' }, 'cross_site_request'],
  ['POST', { host, 'sec-fetch-site': 'same-site' }, 'cross_site_request'],
  ['POST', { host, 'sec-fetch-site': ['same-origin'] }, 'cross_site_request'],
  ['POST', { origin: 'https://undefined' }, 'cross_site_request'],
  ['POST', { host: '', origin: 'https://' }, 'cross_site_request'],
];

test.each(sameSite)('threat 29: the cookie on %s with %o counts: %s', async (method, headers, expected) => {
  expect(await outcome({ ...headers, cookie }, method)).toBe(expected);
});

test('tokens and keys need no origin: no browser sends them by itself', async () => {
  const evil = { host, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
  expect(await outcome({ ...evil, authorization: bearer, cookie }, 'POST')).toBe('jwt');
  expect(await outcome({ ...evil, 'x-api-key': key, cookie }, 'POST')).toBe('apiKey');
});

test('a cross-site request does not get as far as the database', async () => {
  const offline = await openAuth(suite.url);
  await offline.database.close();
  expect(await outcome({ host, cookie, origin: 'https://evil.test' }, 'POST', offline)).toBe('cross_site_request');
});

test('without secure cookies the same host is ours by http and https', async () => {
  const plain = await openAuth(suite.url, { secureCookies: false });
  const made = await newcomer(plain);
  const sent = { host: 'localhost:8000', cookie: sentBack(made.cookie) };
  expect(await outcome({ ...sent, origin: 'http://localhost:8000' }, 'POST', plain)).toBe('session');
  expect(await outcome({ ...sent, origin: 'https://localhost:8000' }, 'POST', plain)).toBe('session');
  expect(await outcome({ ...sent, origin: 'http://localhost:3000' }, 'POST', plain)).toBe('cross_site_request');
  await plain.database.close();
});

/** Another's team which the newcomer has joined in a role. */
async function joined(role: 'admin' | 'readonly'): Promise<string> {
  const host = await newcomer(auth);
  const { teamId } = host.principal;
  const { userId } = principal;
  await suite.database.db.insertInto('memberships').values({ team_id: teamId, user_id: userId, role }).execute();
  return teamId;
}

async function principalOf(headers: CredentialHeaders, at: Auth = auth) {
  const found = await authenticate(at, headers, 'GET');
  return (
    found && {
      kind: found.kind,
      teamId: found.teamId,
      role: found.role,
      mayWrite: found.permissions.has('workflows:write'),
    }
  );
}

test('X-Team-Id picks another of the user’s teams, with the role that they have there', async () => {
  const teamId = await joined('readonly');
  for (const headers of [{ authorization: bearer }, { cookie }]) {
    expect(await principalOf(headers)).toMatchObject({ teamId: principal.teamId, role: 'admin', mayWrite: true });
    const chosen = { teamId, role: 'readonly', mayWrite: false };
    expect(await principalOf({ ...headers, 'x-team-id': teamId })).toMatchObject(chosen);
    expect(await principalOf({ ...headers, 'x-team-id': teamId.toUpperCase() })).toMatchObject(chosen);
    expect(await principalOf({ ...headers, 'x-team-id': principal.teamId })).toMatchObject({
      teamId: principal.teamId,
    });
  }
});

test('X-Team-Id is refused alike for a team that the user is not in and for one that does not exist', async () => {
  const stranger = await newcomer(auth);
  for (const teamId of [stranger.principal.teamId, '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f']) {
    for (const headers of [{ authorization: bearer }, { cookie }]) {
      const refused = Promise.resolve().then(() => authenticate(auth, { ...headers, 'x-team-id': teamId }, 'GET'));
      await expect(refused).rejects.toMatchObject({
        code: 'forbidden',
        message: 'You are not in the team that X-Team-Id names.',
      });
    }
  }
});

test.each(['', 'my-team', '0198c5a2', '*', 'x'.repeat(10_000)])('X-Team-Id %j is no id', async (teamId) => {
  expect(await outcome({ authorization: bearer, 'x-team-id': teamId })).toBe('invalid_input');
});

test('two X-Team-Id are none', async () => {
  const both = [principal.teamId, principal.teamId];
  expect(await outcome({ authorization: bearer, 'x-team-id': both })).toBe('invalid_input');
  expect(await outcome({ authorization: bearer, 'x-team-id': both.join(', ') })).toBe('invalid_input');
});

test('an API key is of its own team only, also when its owner is in others', async () => {
  const teamId = await joined('admin');
  expect(await principalOf({ 'x-api-key': key, 'x-team-id': principal.teamId })).toMatchObject({ kind: 'apiKey' });
  expect(await outcome({ 'x-api-key': key, 'x-team-id': teamId })).toBe('forbidden');
  expect(await outcome({ authorization: `Bearer ${key}`, 'x-team-id': teamId })).toBe('forbidden');
});

test('X-Team-Id makes nobody somebody', async () => {
  expect(await outcome({ 'x-team-id': principal.teamId })).toBe('nobody');
  expect(await outcome({ authorization: 'Bearer nonsense', 'x-team-id': principal.teamId })).toBe('unauthenticated');
});

test('whoever leaves a team is out of it within a second, and a changed role holds by then', async () => {
  const teamId = await joined('readonly');
  const headers = { authorization: bearer, 'x-team-id': teamId };
  const membership = suite.database.db.updateTable('memberships').where('team_id', '=', teamId);
  expect(await outcome(headers)).toBe('jwt');
  await membership.set({ role: 'admin' }).where('user_id', '=', principal.userId).execute();
  await expect.poll(async () => (await principalOf(headers))?.role, { timeout: 2_000 }).toBe('admin');
  await suite.database.db
    .deleteFrom('memberships')
    .where('team_id', '=', teamId)
    .where('user_id', '=', principal.userId)
    .execute();
  await expect.poll(() => outcome(headers), { timeout: 2_000 }).toBe('forbidden');
});
