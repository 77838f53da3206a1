import type { JWTPayload } from 'jose';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Auth } from '../auth.ts';
import { from, openAuth, sentBack, testAuth } from '../test-auth.ts';
import { beginFlow, finishFlow } from './flow.ts';
import { client, somebody, startIssuers } from './test-issuers.ts';

const issuers = await startIssuers();
const suite = await testAuth({ identities: issuers.options });
const { auth } = suite;
const { scene } = issuers;
afterAll(async () => {
  await suite[Symbol.asyncDispose]();
  await issuers[Symbol.asyncDispose]();
});
afterEach(() => {
  scene.who = somebody();
  scene.forge = undefined;
  scene.thinTokens = false;
  scene.failing.clear();
  scene.discovery = {};
});

async function signIn(at: Auth = auth, more: { iss?: string } = {}) {
  const { url, cookie } = await beginFlow(at, { provider: 'oidc' });
  const { searchParams } = await issuers.approve(url);
  const query = { state: searchParams.get('state') ?? '', code: searchParams.get('code') ?? '', ...more };
  const finished = await finishFlow(at, 'oidc', { query, cookieHeader: sentBack(cookie), from });
  if (!('signedIn' in finished)) throw new Error('nobody is signed in');
  return finished.signedIn;
}

const { privateKey: strangersKey } = await generateKeyPair('RS256');
const { privateKey: ellipticKey } = await generateKeyPair('ES256');

function but(change: (claims: JWTPayload) => JWTPayload) {
  return (claims: JWTPayload, sign: (claims: JWTPayload) => Promise<string>) => sign(change(claims));
}

const forgeries: [string, NonNullable<typeof scene.forge>][] = [
  ['no signature', async (claims) => new UnsecuredJWT(claims).encode()],
  [
    'another’s signature',
    (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'oidc-1' }).sign(strangersKey),
  ],
  ['a signature by an unknown key', (claims, sign) => sign(claims, { kid: 'nobody' })],
  [
    'HS256 with the client’s secret',
    (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(client.secret)),
  ],
  [
    'ES256 for a key of RSA',
    (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'oidc-1' }).sign(ellipticKey),
  ],
  ['another issuer', but((claims) => ({ ...claims, iss: 'https://evil.example' }))],
  ['another audience', but((claims) => ({ ...claims, aud: 'another-client' }))],
  ['two audiences and no azp', but((claims) => ({ ...claims, aud: [client.id, 'another-client'] }))],
  ['another azp', but((claims) => ({ ...claims, azp: 'another-client' }))],
  ['no nonce', but(({ nonce: _, ...claims }) => claims)],
  ['another nonce', but((claims) => ({ ...claims, nonce: 'replayed' }))],
  ['no exp', but(({ exp: _, ...claims }) => claims)],
  ['a time that is over', but((claims) => ({ ...claims, exp: Math.floor(Date.now() / 1_000) - 60 }))],
  ['a time to come', but((claims) => ({ ...claims, nbf: Math.floor(Date.now() / 1_000) + 600 }))],
  ['no subject', but(({ sub: _, ...claims }) => claims)],
  ['an empty subject', but((claims) => ({ ...claims, sub: '' }))],
  ['nonsense', async () => 'a.b.c'],
];

test.each(forgeries)('threat 25: an ID token with %s signs nobody in', async (_, forge) => {
  scene.forge = forge;
  await expect(signIn()).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('two audiences with ours as azp, and a clock that is a little off, are fine', async () => {
  scene.forge = but((claims) => ({ ...claims, aud: [client.id, 'another-client'], azp: client.id }));
  await expect(signIn()).resolves.toBeDefined();
  scene.forge = but((claims) => ({ ...claims, exp: Math.floor(Date.now() / 1_000) - 10 }));
  await expect(signIn()).resolves.toBeDefined();
});

test('an issuer that keeps the email out of the ID token is asked for it, and may speak of nobody else', async () => {
  scene.thinTokens = true;
  const { user } = await signIn();
  expect(user.email).toBe(scene.who.oidc.email);
  scene.who = somebody();
  const { sub } = scene.who.oidc;
  scene.forge = but((claims) => ({ ...claims, sub: 'somebody else' }));
  await expect(signIn()).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(sub).not.toBe('somebody else');
});

test('an email that the issuer says nothing more about counts as not verified', async () => {
  scene.forge = but(({ email_verified: _, ...claims }) => claims);
  expect((await signIn()).user.email).toBeNull();
});

test('an answer that names another issuer is refused; with ours it is not', async () => {
  await expect(signIn(auth, { iss: 'https://evil.example' })).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(signIn(auth, { iss: issuers.oidcIssuer })).resolves.toBeDefined();
});

test('threat 26: the issuer is asked about itself once an hour, and for its keys no more than needed', async () => {
  const fresh = await openAuth(suite.url, { identities: issuers.options });
  issuers.requests.length = 0;
  await Promise.all([signIn(fresh), signIn(fresh), signIn(fresh)]);
  scene.forge = (claims, sign) => sign(claims, { kid: 'nobody' });
  for (let n = 0; n < 20; n += 1) await expect(signIn(fresh)).rejects.toThrow();
  const count = (path: string) => issuers.requests.filter((request) => request === `GET ${path}`).length;
  expect(count('/oidc/.well-known/openid-configuration')).toBe(1);
  expect(count('/oidc/jwks')).toBe(1);
  await fresh.database.close();
});

test.each([
  ['sends browsers to a script', { authorization_endpoint: 'javascript:alert(1)' }],
  ['names a token endpoint within our network', { token_endpoint: 'http://[::1]:1/token' }],
  ['has its keys within our network', { jwks_uri: 'http://169.254.169.254/latest/meta-data' }],
])('threats 17 and 31: an issuer that %s signs nobody in', async (_, discovery) => {
  const fresh = await openAuth(suite.url, { identities: issuers.options });
  scene.discovery = discovery;
  await expect(signIn(fresh)).rejects.toMatchObject({ code: 'unavailable' });
  await fresh.database.close();
});

test('an issuer that is away is asked once in a while; one that calls itself something else is not believed', async () => {
  const fresh = await openAuth(suite.url, { identities: issuers.options });
  scene.failing.add('/oidc/.well-known/openid-configuration');
  issuers.requests.length = 0;
  for (let n = 0; n < 10; n += 1) await expect(signIn(fresh)).rejects.toMatchObject({ code: 'unavailable' });
  expect(issuers.requests).toHaveLength(1);
  await fresh.database.close();

  const oidc = { ...issuers.options.oidc, issuer: issuers.oidcIssuer.replace('127.0.0.1', '127.1') };
  const other = await openAuth(suite.url, { identities: { ...issuers.options, oidc } });
  scene.failing.clear();
  issuers.errors.length = 0;
  await expect(signIn(other)).rejects.toMatchObject({ code: 'unavailable' });
  expect(issuers.errors[0]).toContain('but calls itself');
  await other.database.close();
});
