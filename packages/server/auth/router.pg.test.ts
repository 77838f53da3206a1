import { apiKeyPage, apiKeyWithSecret, signedIn as signedInSchema } from '@flowplane/contract/auth';
import { TRPCError } from '@trpc/server';
import { afterAll, expect, test } from 'vitest';
import { problemOfError } from '../problem.ts';
import { authenticate } from './authenticate.ts';
import { callAs, newcomer, password, sentBack, testAuth } from './test-auth.ts';

const suite = await testAuth();
const { auth } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(TRPCError);
  return problemOfError(error, 'req_test').code;
}

test('registering and logging in answer with tokens and set the session cookie', async () => {
  const first = callAs(auth, undefined);
  const answer = await first.call('mutation', 'register', { email: 'Ada@Example.com', password, name: 'Ada' });
  const registered = signedInSchema.strict().parse(answer);
  expect(registered).toMatchObject({ user: { email: 'ada@example.com', name: 'Ada' }, team: { slug: 'ada' } });
  const again = callAs(auth, undefined);
  const signedIn = await again.call('mutation', 'login', { email: 'ada@example.com', password });
  expect(signedInSchema.strict().parse(signedIn).user).toEqual(registered.user);
  for (const { response } of [first, again]) {
    expect(response.cookies).toHaveLength(1);
    const cookie = sentBack(response.cookies[0] ?? '');
    expect(await authenticate(auth, { cookie }, 'GET')).toMatchObject({ userId: registered.user.id });
  }
  expect(first.response.cookies).not.toEqual(again.response.cookies);
});

test('what fails sets no cookie and says the code that clients act on', async () => {
  const { call, response } = callAs(auth, undefined);
  await newcomer(auth, 'taken@example.com');
  expect(await codeOf(call('mutation', 'register', { email: 'taken@example.com', password }))).toBe('email_taken');
  expect(await codeOf(call('mutation', 'login', { email: 'taken@example.com', password: 'wrong' }))).toBe(
    'invalid_credentials',
  );
  expect(await codeOf(call('mutation', 'register', { email: 'nope', password }))).toBe('invalid_input');
  expect(await codeOf(call('mutation', 'register', { email: 'short@example.com', password: 'short' }))).toBe(
    'invalid_input',
  );
  expect(await codeOf(call('mutation', 'refresh', { refreshToken: 'nope' }))).toBe('unauthenticated');
  expect(response.cookies).toEqual([]);
});

test('logging out ends the session and removes the cookie, for nobody as well', async () => {
  const { cookie, principal, signedIn } = await newcomer(auth);
  const { call, response } = callAs(auth, principal);
  await call('mutation', 'logout');
  expect(response.cookies[0]).toContain('Max-Age=0');
  expect(await authenticate(auth, { cookie: sentBack(cookie) }, 'GET')).toBeUndefined();
  expect(await codeOf(call('mutation', 'refresh', signedIn))).toBe('invalid_input');
  expect(await codeOf(call('mutation', 'refresh', { refreshToken: signedIn.refreshToken }))).toBe('unauthenticated');
  const nobody = callAs(auth, undefined);
  await nobody.call('mutation', 'logout');
  expect(nobody.response.cookies[0]).toContain('Max-Age=0');
});

test('an API key may do what its scopes say and has no session to end', async () => {
  const { principal } = await newcomer(auth);
  const { call } = callAs(auth, principal);
  const scopes = ['account:read', 'api-keys:read'];
  const made = apiKeyWithSecret.parse(await call('mutation', 'apiKeys.create', { name: 'reader', scopes }));
  const reader = callAs(auth, await authenticate(auth, { 'x-api-key': made.key }, 'GET'));
  expect(await reader.call('query', 'me')).toMatchObject({
    signedInBy: 'apiKey',
    permissions: scopes,
  });
  const list = await reader.call('query', 'apiKeys.list', {});
  expect(apiKeyPage.parse(list).items.map(({ id }) => id)).toEqual([made.id]);
  expect(JSON.stringify(list)).not.toContain(made.key);
  expect(await codeOf(reader.call('mutation', 'apiKeys.create', { name: 'more' }))).toBe('forbidden');
  expect(await codeOf(reader.call('mutation', 'apiKeys.revoke', { id: made.id }))).toBe('forbidden');
  expect(await codeOf(reader.call('mutation', 'logout'))).toBe('forbidden');
  await call('mutation', 'apiKeys.revoke', { id: made.id });
  expect(await call('query', 'apiKeys.list', {})).toEqual({ items: [], nextCursor: null });
});

test('nobody is told to sign in, everywhere but at the door', async () => {
  const { call } = callAs(auth, undefined);
  expect(await codeOf(call('query', 'me'))).toBe('unauthenticated');
  expect(await codeOf(call('query', 'apiKeys.list', {}))).toBe('unauthenticated');
  expect(await codeOf(call('mutation', 'apiKeys.create', { name: 'key' }))).toBe('unauthenticated');
  expect(await codeOf(call('mutation', 'apiKeys.revoke', { id: '00000000-0000-4000-8000-000000000000' }))).toBe(
    'unauthenticated',
  );
});

test('an account that is deleted is told so, though its access token has not expired', async () => {
  const { principal, signedIn } = await newcomer(auth);
  await auth.database.db.deleteFrom('users').where('id', '=', signedIn.user.id).execute();
  expect(await codeOf(callAs(auth, principal).call('query', 'me'))).toBe('unauthenticated');
});
