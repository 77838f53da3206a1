import { somebody, startIssuers } from '@flowplane/server/auth/identities/test-issuers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callbackPath } from './identity-callback.ts';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const dataDir = dataDirectory();
const issuers = await startIssuers();
let instance: Instance;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: dataDir.path, ...issuers.settings });
  await instance.ready();
});
afterAll(async () => {
  instance.child.kill('SIGKILL');
  await issuers[Symbol.asyncDispose]();
  await dataDir[Symbol.asyncDispose]();
});
beforeEach(() => {
  issuers.scene.who = somebody();
  issuers.scene.denying = undefined;
});

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

function at(path: string): string {
  return `${instance.url}${path}`;
}

function cookiesOf(headers: Headers): string[] {
  return headers.getSetCookie();
}

function sentBack(setCookie: string | undefined): string {
  return setCookie?.split(';', 1)[0] ?? '';
}

/** Begins, says yes at the provider, and stands before the callback with the cookie. */
async function beforeCallback(provider: 'github' | 'oidc', body: object = {}) {
  const begun = await send(at(`/api/v1/auth/${provider}/login`), { body });
  expect(begun.status, begun.text).toBe(200);
  const back = await issuers.approve(JSON.parse(begun.text).url);
  expect(back.href.startsWith(at(callbackPath(provider)))).toBe(true);
  return { back: back.href, cookie: sentBack(cookiesOf(begun.headers)[0]), setCookie: cookiesOf(begun.headers) };
}

test.each(['github', 'oidc'] as const)('%s: a browser comes back signed in, and goes where it wanted', async (by) => {
  const { back, cookie, setCookie } = await beforeCallback(by, { returnTo: '/workflows?tab=1' });
  expect(setCookie).toEqual([expect.stringMatching(/^flow-[0-9a-f]{16}=.*; HttpOnly; .*SameSite=Lax$/)]);
  const answer = await send(back, { headers: { ...html, cookie } });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, at('/workflows?tab=1')]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
  const [ended, session] = cookiesOf(answer.headers);
  expect(ended).toMatch(/^flow-[0-9a-f]{16}=; HttpOnly; Max-Age=0/);
  expect(session).toMatch(/^session=.*HttpOnly/);
  const me = await send(at('/api/v1/users/me'), { headers: { cookie: sentBack(session) } });
  expect(me.json).toMatchObject({ user: { email: issuers.scene.who.oidc.email }, signedInBy: 'session' });
});

test('a program gets what login answers, and no redirect', async () => {
  const { back, cookie } = await beforeCallback('github');
  const answer = await send(back, { headers: { accept: 'application/json', cookie } });
  expect(answer.status).toBe(200);
  const { accessToken, expiresAt, refreshToken } = JSON.parse(answer.text);
  expect(new Date(expiresAt).getTime()).toBeGreaterThan(Date.now());
  const authorization = `Bearer ${accessToken}`;
  expect((await send(at('/api/v1/users/me'), { headers: { authorization } })).status).toBe(200);
  expect((await send(at('/api/v1/auth/refresh'), { body: { refreshToken } })).status).toBe(200);
});

test('threat 31: over HTTP too, nothing but one’s own fresh way is an end of it', async () => {
  const { back, cookie } = await beforeCallback('github');
  const other = await beforeCallback('github');
  const program = { accept: 'application/json' };
  const without = back.replace(/state=[^&]*&?/, '');
  const twice = `${back}&state=${'A'.repeat(43)}`;
  const foreign = back.replace('/github/', '/oidc/');
  for (const [url, sent] of [
    [without, cookie],
    [twice, cookie],
    [foreign, cookie],
    [back, ''],
    [back, other.cookie],
    [back, `${cookie}x`],
    [at(callbackPath('github')), cookie],
    [`${at(callbackPath('github'))}?state=%00&code=%00`, cookie],
    [`${at(callbackPath('github'))}?state=${'s'.repeat(600)}&code=1`, cookie],
  ] as const) {
    const refused = await send(url, { headers: { ...program, ...(sent ? { cookie: sent } : {}) } });
    expect([refused.status, refused.json], url).toMatchObject([400, { code: 'invalid_input' }]);
    expect(cookiesOf(refused.headers)).toEqual([]);
  }
  expect((await send(back, { headers: { ...program, cookie } })).status).toBe(200);
  expect((await send(back, { headers: { ...program, cookie } })).status).toBe(400);
});

test.each(['//evil.example', '/\\evil.example', 'javascript:alert(1)', 'https://evil.example'])(
  'threat 31: a browser is not sent on to %s',
  async (returnTo) => {
    const begun = await send(at('/api/v1/auth/github/login'), { body: { returnTo } });
    expect([begun.status, begun.json]).toMatchObject([400, { code: 'invalid_input', errors: [{ path: 'returnTo' }] }]);
    const own = await send(at('/api/v1/auth/github/login'), { body: { redirect_uri: returnTo } });
    expect(own.status).toBe(400);
  },
);

test('a browser that is refused gets a page that says why, with nothing of what was sent in it', async () => {
  issuers.scene.denying = 'access_denied';
  const { back, cookie } = await beforeCallback('github');
  const refused = await send(`${back}&error_description=<script>alert(1)</script>`, { headers: { ...html, cookie } });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('content-type')).toContain('text/html');
  expect(refused.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(refused.text).toContain('You did not allow it at GitHub');
  expect(refused.text).not.toContain('alert(1)');
});

test('what looks at the address before the browser does, uses nothing up', async () => {
  const { back, cookie } = await beforeCallback('github');
  for (const method of ['HEAD', 'POST', 'DELETE']) {
    const answer = await send(back, { method, headers: { cookie } });
    expect([answer.status, answer.headers.get('allow')], method).toEqual([405, 'GET']);
  }
  expect((await send(back, { headers: { cookie } })).status).toBe(200);
});

test('codes and states are in no log', async () => {
  const { back, cookie } = await beforeCallback('github');
  await send(back, { headers: { ...html, cookie } });
  const { searchParams } = new URL(back);
  await expect.poll(() => instance.output().includes(callbackPath('github')), { timeout: 10_000 }).toBe(true);
  for (const secret of [searchParams.get('code'), searchParams.get('state'), sentBack(cookie).split('=')[1]]) {
    expect(instance.output()).not.toContain(secret);
  }
});

test('over tRPC the way begins as well, and identities are linked by the cookie of a session', async () => {
  const begun = await send(at('/trpc/auth.oidc.login'), { body: { json: {} } });
  const { url } = JSON.parse(begun.text).result.data.json;
  const back = await issuers.approve(url);
  const answer = await send(back.href, { headers: { ...html, cookie: sentBack(cookiesOf(begun.headers)[0]) } });
  const session = sentBack(cookiesOf(answer.headers)[1]);
  const headers = { cookie: session, origin: instance.url };
  const linking = await send(at('/api/v1/users/me/identities'), { body: { provider: 'github' }, headers });
  const there = await issuers.approve(JSON.parse(linking.text).url);
  const linked = await send(there.href, {
    headers: { ...html, cookie: `${session}; ${sentBack(cookiesOf(linking.headers)[0])}` },
  });
  expect([linked.status, linked.headers.get('location')]).toEqual([303, `${instance.url}/`]);
  // The browser stays in the session that it has.
  expect(cookiesOf(linked.headers)).toHaveLength(1);
  const list = await send(at('/api/v1/users/me/identities'), { headers: { cookie: session } });
  expect(JSON.parse(list.text).items).toMatchObject([{ provider: 'github' }, { provider: 'oidc' }]);
});

test('a token of Clerk is a bearer token on every face, from our own pages and allowed ones only', async () => {
  const ours = await issuers.clerkToken({ azp: instance.url });
  const authorization = `Bearer ${ours}`;
  const rest = await send(at('/api/v1/users/me'), { headers: { authorization } });
  expect(rest.json).toMatchObject({ role: 'admin', signedInBy: 'clerk' });
  const trpc = await send(at('/trpc/users.me'), { headers: { authorization } });
  expect(trpc.json).toMatchObject({ result: { data: { json: { signedInBy: 'clerk' } } } });
  const elsewhere = await issuers.clerkToken({ azp: 'https://evil.example' });
  const refused = await send(at('/api/v1/users/me'), { headers: { authorization: `Bearer ${elsewhere}` } });
  expect([refused.status, refused.json]).toMatchObject([401, { code: 'unauthenticated' }]);
});

test('threat 16: that identity providers may be private lets no workflow into them', async () => {
  const { client } = await ownerOf(instance);
  const url = `${issuers.base}/.well-known/jwks.json`;
  const definition = { nodes: [{ id: 'ask', type: 'http.request', params: { url } }] };
  const { id } = await client.workflows.create({ name: 'Asks', definition });
  issuers.requests.length = 0;
  const { status, error } = await client.workflows.execute({ id, draft: true, wait: 20 });
  expect([status, JSON.stringify(error)]).toEqual(['failed', expect.stringContaining('egress_blocked')]);
  expect(issuers.requests).toEqual([]);
});
