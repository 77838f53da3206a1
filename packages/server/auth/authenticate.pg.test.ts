import { apiKeyCreateInput } from '@flowplane/contract/auth';
import { afterAll, expect, test } from 'vitest';
import { createApiKey } from './api-keys.ts';
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

test.each(sameSite)('the cookie on %s with %o counts: %s', async (method, headers, expected) => {
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
