import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { exportSPKI, type JWTHeaderParameters, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { authenticate } from '../authenticate.ts';
import { newcomer, testAuth } from '../test-auth.ts';
import { signingKey } from './key-ring.ts';
import { tokenPrincipal } from './tokens.ts';

const suite = await testAuth();
const { auth } = suite;
const own = await signingKey(auth.keys);
afterAll(() => suite[Symbol.asyncDispose]());
afterEach(() => vi.useRealTimers());

let good: string;
let claims: Record<string, unknown>;
let header: JWTHeaderParameters;

beforeAll(async () => {
  const { signedIn } = await newcomer(auth);
  good = signedIn.accessToken;
  const [first, second] = good.split('.').map((part) => JSON.parse(tryText(part)));
  header = first;
  claims = second;
});

function tryText(part: string): string {
  const text = Buffer.from(part, 'base64url').toString();
  return text.startsWith('{') ? text : 'null';
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signed(changes: Record<string, unknown>, headerChanges: Record<string, unknown> = {}): Promise<string> {
  const payload = Object.fromEntries(
    Object.entries({ ...claims, ...changes }).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(payload).setProtectedHeader({ ...header, ...headerChanges }).sign(own.privateKey);
}

/** Signs what the library would not. */
async function signedAsIs(payload: Record<string, unknown>): Promise<string> {
  const body = `${encode(header)}.${encode(payload)}`;
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', own.privateKey, Buffer.from(body));
  return `${body}.${Buffer.from(signature).toString('base64url')}`;
}

async function outcome(token: string): Promise<string> {
  try {
    return (await authenticate(auth, { authorization: `Bearer ${token}` }, 'GET')) ? 'somebody' : 'nobody';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

const now = () => Math.floor(Date.now() / 1000);

test('an access token carries who, in which team and as what, and is good for 30 minutes', async () => {
  expect(header).toEqual({ alg: 'RS256', kid: own.kid, typ: 'at+jwt' });
  expect(claims).toMatchObject({ role: 'admin', tier: 'basic', iss: 'https://flowplane.test', aud: 'flowplane' });
  expect(Number(claims.exp) - Number(claims.iat)).toBe(1_800);
  expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'role', 'sid', 'sub', 'tid', 'tier']);
  expect(await outcome(await signed({}))).toBe('somebody');
});

const forgeries: Record<string, () => string | Promise<string>> = {
  'alg none': () => `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
  'alg None with the old signature': () =>
    `${encode({ ...header, alg: 'None' })}.${encode(claims)}.${good.split('.')[2]}`,
  'HS256 signed with the public key': async () => {
    const body = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
    const pem = await exportSPKI(own.publicKey);
    return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`;
  },
  'ES256 in the header': () => `${encode({ ...header, alg: 'ES256' })}.${encode(claims)}.${good.split('.')[2]}`,
  'RS512 by our own key': () => {
    const body = `${encode({ ...header, alg: 'RS512' })}.${encode(claims)}`;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return `${body}.${createSign('sha512').update(body).sign(privateKey, 'base64url')}`;
  },
  'another key under our kid': () => {
    const body = `${encode(header)}.${encode(claims)}`;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return `${body}.${createSign('sha256').update(body).sign(privateKey, 'base64url')}`;
  },
  'an attacker’s key in the header': () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const body = `${encode({ ...header, jwk: publicKey.export({ format: 'jwk' }), jku: 'https://evil.test' })}.${encode(claims)}`;
    return `${body}.${createSign('sha256').update(body).sign(privateKey, 'base64url')}`;
  },
  'x5u and x5c in the header': () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const body = `${encode({ ...header, x5u: 'https://evil.test/cert.pem', x5c: ['MIIB'] })}.${encode(claims)}`;
    return `${body}.${createSign('sha256').update(body).sign(privateKey, 'base64url')}`;
  },
  'an unencoded payload': () => signed({}, { b64: false, crit: ['b64'] }).catch(() => 'unsignable'),
  'an unknown kid': () => signed({}, { kid: 'other' }),
  'a kid that is a path': () => signed({}, { kid: '../../../../dev/null' }),
  'a kid that is SQL': () => signed({}, { kid: "' or 1=1 --" }),
  'no kid': () => signed({}, { kid: undefined }),
  'no typ': () => signed({}, { typ: undefined }),
  'typ of an ID token': () => signed({}, { typ: 'JWT' }),
  'a critical extension': () => `${encode({ ...header, crit: ['x'], x: 1 })}.${encode(claims)}.${good.split('.')[2]}`,
  'no exp': () => signed({ exp: undefined }),
  'exp as text, signed by our own key': () => signedAsIs({ ...claims, exp: '9999999999' }),
  'exp as a huge number': () => signedAsIs({ ...claims, exp: 1e300 }),
  'iat as text': () => signedAsIs({ ...claims, iat: '1' }),
  'a list of aud without ours': () => signed({ aud: ['other', 'more'] }),
  'exp in the past': () => signed({ exp: now() - 1 }),
  'nbf in the future': () => signed({ nbf: now() + 60 }),
  'no iat': () => signed({ iat: undefined }),
  'another aud': () => signed({ aud: 'other' }),
  'no aud': () => signed({ aud: undefined }),
  'another iss': () => signed({ iss: 'https://evil.test' }),
  'no iss': () => signed({ iss: undefined }),
  'no sub': () => signed({ sub: undefined }),
  'a sub that is no id': () => signed({ sub: 'admin' }),
  'a role that cannot be one': () => signed({ role: 'Owner of all' }),
  'an unknown tier': () => signed({ tier: 'gold' }),
  'no session': () => signed({ sid: undefined }),
  'changed claims': () => `${good.split('.')[0]}.${encode({ ...claims, tier: 'unlimited' })}.${good.split('.')[2]}`,
  'a cut signature': () => good.slice(0, -4),
  'two parts': () => good.split('.').slice(0, 2).join('.'),
  'a very long token': () => `${good}${'A'.repeat(100_000)}`,
  'not a token': () => 'hello',
};

test.each(Object.keys(forgeries))('threat 25, refused: %s', async (name) => {
  expect(await outcome((await forgeries[name]?.()) ?? '')).toBe('unauthenticated');
});

test('threat 25: what is signed as it is, and is right, is accepted: the forgeries fail by what is wrong with them', async () => {
  expect(await outcome(await signedAsIs(claims))).toBe('somebody');
});

test('threat 25: a refresh token is no access token', async () => {
  const { signedIn } = await newcomer(auth);
  expect(await outcome(signedIn.refreshToken)).toBe('unauthenticated');
});

test('a verified token answers without a promise, and not a moment after it expired', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { signedIn } = await newcomer(auth);
  const first = await tokenPrincipal(auth, signedIn.accessToken);
  expect(tokenPrincipal(auth, signedIn.accessToken)).toBe(first);
  vi.setSystemTime(signedIn.expiresAt.getTime() - 1_000);
  expect(tokenPrincipal(auth, signedIn.accessToken)).toBe(first);
  vi.setSystemTime(signedIn.expiresAt);
  await expect(tokenPrincipal(auth, signedIn.accessToken)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringContaining('expired'),
  });
});

test('refused tokens are not remembered, so a flood of them costs no memory', async () => {
  const before = auth.verifiedTokens.size;
  for (let n = 0; n < 50; n += 1) await outcome(await signed({ aud: `other-${n}` }));
  expect(auth.verifiedTokens.size).toBe(before);
  expect(auth.verifiedTokens.max).toBe(10_000);
});
