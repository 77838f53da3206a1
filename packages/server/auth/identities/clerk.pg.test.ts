import { registerInput } from '@flowplane/contract/auth';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, expect, test } from 'vitest';
import { register } from '../accounts.ts';
import { createApiKey } from '../api-keys/api-keys.ts';
import { authenticate } from '../authenticate.ts';
import { markVerified } from '../passwords/verify-email.ts';
import { callAs, from, newcomer, openAuth, password, testAuth } from '../test-auth.ts';
import { startIssuers } from './test-issuers.ts';

const issuers = await startIssuers();
const suite = await testAuth({ identities: issuers.options });
const { auth, database } = suite;
const { scene } = issuers;
afterAll(async () => {
  await suite[Symbol.asyncDispose]();
  await issuers[Symbol.asyncDispose]();
});
afterEach(() => scene.failing.clear());

const now = () => Math.floor(Date.now() / 1_000);

function whoSends(token: string, at = auth) {
  return (async () => authenticate(at, { authorization: `Bearer ${token}` }, 'GET'))();
}

const verifiedClaims = (email: string) => ({ email, email_verified: true, name: 'Ada Lovelace' });

test('a session token of Clerk speaks for a user, who has an account from the first time on', async () => {
  const email = 'ada@clerk.example';
  const token = await issuers.clerkToken({ sub: 'user_ada', ...verifiedClaims(email) });
  const principal = await whoSends(token);
  expect(principal).toMatchObject({ kind: 'clerk', role: 'admin', sessionId: null });
  const { call } = callAs(auth, principal);
  expect(await call('query', 'me')).toMatchObject({ user: { email, emailVerified: true }, signedInBy: 'clerk' });
  expect(await call('query', 'whoami')).toMatchObject({ kind: 'clerk', apiKey: null });
  const next = await whoSends(await issuers.clerkToken({ sub: 'user_ada', email: 'changed@clerk.example' }));
  expect(next).toMatchObject({ userId: principal?.userId, teamId: principal?.teamId });
});

test('at once when the token was seen before; and many at once with a new subject are one account', async () => {
  const token = await issuers.clerkToken({ sub: 'user_many' });
  const all = await Promise.all(Array.from({ length: 10 }, () => whoSends(token)));
  const others = await Promise.all(
    [await openAuth(suite.url, { identities: issuers.options })].map(async (other) => {
      const found = await whoSends(token, other);
      await other.database.close();
      return found;
    }),
  );
  expect(new Set([...all, ...others].map((principal) => principal?.userId)).size).toBe(1);
  expect(authenticate(auth, { authorization: `Bearer ${token}` }, 'GET')).not.toBeInstanceOf(Promise);
});

const { privateKey: strangersKey } = await generateKeyPair('RS256');
const { privateKey: ellipticKey } = await generateKeyPair('ES256');

const forgeries: [string, () => Promise<string>][] = [
  ['alg none', async () => new UnsecuredJWT({ sub: 'user_x', iss: issuers.base, exp: now() + 60 }).encode()],
  [
    'HS256 by the public key',
    () =>
      new SignJWT({ sub: 'user_x', iss: issuers.base, exp: now() + 60 })
        .setProtectedHeader({ alg: 'HS256', kid: 'clerk-1' })
        .sign(new TextEncoder().encode(JSON.stringify(issuers.clerkKey.jwk))),
  ],
  [
    'ES256',
    () =>
      new SignJWT({ sub: 'user_x', iss: issuers.base, exp: now() + 60 })
        .setProtectedHeader({ alg: 'ES256', kid: 'clerk-1' })
        .sign(ellipticKey),
  ],
  [
    'another’s signature, and where to find its key',
    () =>
      new SignJWT({ sub: 'user_x', iss: issuers.base, exp: now() + 60 })
        .setProtectedHeader({ alg: 'RS256', kid: 'clerk-1', jku: 'https://evil.example/jwks.json' })
        .sign(strangersKey),
  ],
  ['an unknown kid', () => issuers.clerkToken({}, { kid: '../../etc/passwd' })],
  ['no exp', () => issuers.clerkToken({ exp: undefined })],
  ['an exp that is over', () => issuers.clerkToken({ exp: now() - 30 })],
  ['an nbf to come', () => issuers.clerkToken({ nbf: now() + 60 })],
  ['another issuer', () => issuers.clerkToken({ iss: 'https://clerk.evil.example' })],
  ['our own issuer', () => issuers.clerkToken({ iss: 'https://flowplane.test', aud: 'flowplane' }, { typ: 'at+jwt' })],
  ['the origin of another page', () => issuers.clerkToken({ azp: 'https://evil.example' })],
  [
    'an origin that only begins like ours',
    () => issuers.clerkToken({ azp: 'https://app.flowplane.test.evil.example' }),
  ],
  ['the audience of another service', () => issuers.clerkToken({ aud: 'https://another.example' })],
  ['a sign-in that is not finished', () => issuers.clerkToken({ sts: 'pending' })],
  ['no subject', () => issuers.clerkToken({ sub: undefined })],
  ['a subject that is a path', () => issuers.clerkToken({ sub: '../users' })],
  ['another type', () => issuers.clerkToken({}, { typ: 'refresh+jwt' })],
];

test.each(forgeries)('threat 25: a token of Clerk with %s is refused', async (_, forge) => {
  await expect(whoSends(await forge())).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('threat 25: our own token that calls itself Clerk’s is refused, as is Clerk’s where Clerk is not set up', async () => {
  const posing = await openAuth(suite.url, { issuer: issuers.base, identities: issuers.options });
  const input = registerInput.parse({ email: 'posing@example.com', password });
  const { signedIn } = await register(posing, input, from);
  await expect(whoSends(signedIn.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' });
  await posing.database.close();
  const bare = await openAuth(suite.url);
  await expect(whoSends(await issuers.clerkToken(), bare)).rejects.toMatchObject({ code: 'unauthenticated' });
  await bare.database.close();
});

test('a token without an origin, as apps that are no pages have it, and one for this instance are fine', async () => {
  await expect(whoSends(await issuers.clerkToken({ azp: undefined }))).resolves.toMatchObject({ kind: 'clerk' });
  await expect(whoSends(await issuers.clerkToken({ aud: ['https://flowplane.test'] }))).resolves.toBeDefined();
});

test('own access tokens and API keys go on as before, and X-Team-Id holds for Clerk’s too', async () => {
  const { signedIn, principal } = await newcomer(auth);
  await expect(whoSends(signedIn.accessToken)).resolves.toMatchObject({ kind: 'jwt' });
  const { key } = await createApiKey(auth, principal, { name: 'key' });
  await expect(whoSends(key)).resolves.toMatchObject({ kind: 'apiKey' });
  const authorization = `Bearer ${await issuers.clerkToken()}`;
  const foreign = { authorization, 'x-team-id': principal.teamId };
  await expect((async () => authenticate(auth, foreign, 'GET'))()).rejects.toMatchObject({ code: 'forbidden' });
});

test('threat 26: a thousand tokens with unknown keys make us ask Clerk for its keys once', async () => {
  const fresh = await openAuth(suite.url, { identities: issuers.options });
  issuers.requests.length = 0;
  const kids = Array.from({ length: 1_000 }, (_, index) => `kid-${index}`);
  const tokens = await Promise.all(kids.map((kid) => issuers.clerkToken({}, { kid })));
  const tried = await Promise.allSettled(tokens.map((token) => whoSends(token, fresh)));
  expect(tried.every(({ status }) => status === 'rejected')).toBe(true);
  expect(issuers.requests).toEqual(['GET /.well-known/jwks.json']);
  await expect(whoSends(await issuers.clerkToken(), fresh)).resolves.toBeDefined();
  expect(issuers.requests.filter((request) => request.endsWith('jwks.json'))).toHaveLength(1);
  await fresh.database.close();
});

test('threat 26: while Clerk is away its tokens are unavailable, not invalid, and it is hardly asked', async () => {
  const fresh = await openAuth(suite.url, { identities: issuers.options });
  scene.failing.add('/.well-known/jwks.json');
  issuers.requests.length = 0;
  for (let n = 0; n < 20; n += 1) {
    await expect(whoSends(await issuers.clerkToken(), fresh)).rejects.toMatchObject({ code: 'unavailable' });
  }
  expect(issuers.requests).toHaveLength(1);
  await fresh.database.close();

  scene.failing.clear();
  scene.failing.add('/v1/users/user_later');
  await expect(whoSends(await issuers.clerkToken({ sub: 'user_later' }))).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('a token that says nothing of an email is asked about at Clerk; who is unknown there has none', async () => {
  const emails = [
    { id: 'idn_1', email_address: 'old@clerk.example', verification: { status: 'verified' } },
    { id: 'idn_2', email_address: 'grace@clerk.example', verification: { status: 'verified' } },
  ];
  const grace = {
    first_name: 'Grace',
    last_name: 'Hopper',
    primary_email_address_id: 'idn_2',
    email_addresses: emails,
  };
  scene.clerkUsers.set('user_grace', grace);
  const known = await whoSends(await issuers.clerkToken({ sub: 'user_grace' }));
  expect(await callAs(auth, known).call('query', 'me')).toMatchObject({
    user: { email: 'grace@clerk.example', name: 'Grace Hopper', emailVerified: true },
  });
  const { clerk } = issuers.options;
  const unasked = { ...issuers.options, clerk: { ...clerk, secretKey: undefined } };
  const without = await openAuth(suite.url, { identities: unasked });
  const token = await issuers.clerkToken({ sub: 'user_shy' });
  expect(await callAs(without, await whoSends(token, without)).call('query', 'me')).toMatchObject({
    user: { email: null, name: 'Clerk user', emailVerified: false },
  });
  // Once the token says it, the account has it.
  const later = await issuers.clerkToken({ sub: 'user_shy', ...verifiedClaims('shy@clerk.example') });
  without.identities.clerk?.principals.clear();
  expect(await callAs(without, await whoSends(later, without)).call('query', 'me')).toMatchObject({
    user: { email: 'shy@clerk.example', emailVerified: true },
  });
  await without.database.close();
});

test('Clerk leads into an account with the same email only if both sides have verified it', async () => {
  const { signedIn, principal } = await newcomer(auth);
  const email = signedIn.user.email ?? '';
  const sub = 'user_merge';
  const refused = { code: 'unauthenticated' };
  await expect(whoSends(await issuers.clerkToken({ sub, email, email_verified: true }))).rejects.toMatchObject(refused);
  await markVerified(database.db, { id: principal.userId, email });
  await expect(whoSends(await issuers.clerkToken({ sub, email, email_verified: false }))).rejects.toMatchObject(
    refused,
  );
  await expect(whoSends(await issuers.clerkToken({ sub, email, email_verified: true }))).resolves.toMatchObject({
    userId: principal.userId,
    teamId: principal.teamId,
  });
});
