import { signedIn as signedInSchema } from '@flowplane/contract/auth';
import { identityRedirect, type SignInProvider } from '@flowplane/contract/identity';
import { sql } from 'kysely';
import { afterAll, afterEach, expect, test } from 'vitest';
import { problemOfError } from '../../problem.ts';
import { authenticate } from '../authenticate.ts';
import { markVerified } from '../passwords/verify-email.ts';
import { sha256 } from '../secrets.ts';
import { callAs, from, newcomer, openAuth, sentBack, testAuth } from '../test-auth.ts';
import { refresh } from '../tokens/refresh.ts';
import { finishFlow } from './flow.ts';
import { client, somebody, startIssuers } from './test-issuers.ts';

const issuers = await startIssuers();
const suite = await testAuth({ identities: issuers.options });
const { auth, database } = suite;
const { scene } = issuers;
afterAll(async () => {
  await suite[Symbol.asyncDispose]();
  await issuers[Symbol.asyncDispose]();
});
afterEach(() => {
  scene.who = somebody();
  scene.denying = undefined;
  scene.forge = undefined;
  scene.thinTokens = false;
  scene.failing.clear();
});

const providers: SignInProvider[] = ['github', 'oidc'];
const badState = { code: 'invalid_input', errors: [{ path: 'state' }] };

/** Begins to sign in: where the browser goes, and the cookie that it has then. */
async function begin(provider: SignInProvider, input: object = {}) {
  const { call, response } = callAs(auth, undefined);
  const { url } = identityRedirect.parse(await call('mutation', `${provider}.login`, input));
  return { url: new URL(url), setCookie: response.cookies[0] ?? '', cookie: sentBack(response.cookies[0] ?? '') };
}

function comeBack(provider: SignInProvider, at: URL, cookie: string | undefined) {
  const { state = '', code, error, iss } = Object.fromEntries(at.searchParams);
  return finishFlow(auth, provider, { query: { state, code, error, iss }, cookieHeader: cookie, from });
}

/** The whole way of a browser in which `scene.who` sits. */
async function signInBy(provider: SignInProvider, input: object = {}) {
  const { url, cookie } = await begin(provider, input);
  const finished = await comeBack(provider, await issuers.approve(url.href), cookie);
  if (!('signedIn' in finished)) throw new Error('nobody is signed in');
  return finished;
}

async function account(userId: string) {
  const row = database.db.selectFrom('users').selectAll().where('id', '=', userId);
  return row.executeTakeFirstOrThrow();
}

test.each(providers)('%s: who comes for the first time has an account, and the same one the next time', async (by) => {
  const email = scene.who.oidc.email;
  const who = scene.who;
  const { signedIn, cookies, returnTo } = await signInBy(by);
  expect(signedInSchema.strict().parse(signedIn)).toMatchObject({ user: { email, name: 'Ada Lovelace' } });
  expect(returnTo).toBe('https://flowplane.test/');
  expect(await account(signedIn.user.id)).toMatchObject({ password_hash: null, is_owner: false });
  expect((await account(signedIn.user.id)).email_verified_at).not.toBeNull();

  const [ended = '', session = ''] = cookies;
  expect(ended).toMatch(/^__Host-flow-[0-9a-f]{16}=; HttpOnly; Max-Age=0; Path=\/; SameSite=Lax; Secure$/);
  expect(await authenticate(auth, { cookie: sentBack(session) }, 'GET')).toMatchObject({ kind: 'session' });
  const bearer = { authorization: `Bearer ${signedIn.accessToken}` };
  expect(await authenticate(auth, bearer, 'GET')).toMatchObject({ userId: signedIn.user.id, role: 'admin' });
  await expect(refresh(auth, signedIn, from)).resolves.toBeDefined();

  scene.who = who;
  const again = await signInBy(by, { returnTo: '/workflows?tab=1#end' });
  expect(again.signedIn.user.id).toBe(signedIn.user.id);
  expect(again.returnTo).toBe('https://flowplane.test/workflows?tab=1#end');
});

test.each(providers)('%s: the browser is sent with PKCE, and bound by a cookie that no page can read', async (by) => {
  const { url, setCookie, cookie } = await begin(by);
  const query = Object.fromEntries(url.searchParams);
  expect(query).toMatchObject({
    response_type: 'code',
    client_id: client.id,
    code_challenge_method: 'S256',
    redirect_uri: `https://flowplane.test/api/v1/auth/${by}/callback`,
    scope: by === 'github' ? 'read:user user:email' : 'openid email profile',
  });
  expect(query.code_challenge).toMatch(/^[\w-]{43}$/);
  expect(query.nonce === undefined).toBe(by === 'github');
  expect(setCookie).toMatch(
    /^__Host-flow-[0-9a-f]{16}=fpf_[\w-]{43}; HttpOnly; Max-Age=600; Path=\/; SameSite=Lax; Secure$/,
  );

  // A copy of the database is worth nothing to who wants to end somebody's way.
  const flow = database.db
    .selectFrom('identity_flows')
    .selectAll()
    .where('state_hash', '=', sha256(query.state ?? ''));
  const stored = JSON.stringify(await flow.executeTakeFirstOrThrow());
  for (const secret of [query.state, cookie.slice(cookie.indexOf('fpf_')), query.nonce]) {
    if (secret) expect(stored).not.toContain(secret);
  }
});

test.each(providers)('threat 31: %s: a state that is missing, invented or used signs nobody in', async (by) => {
  const { url, cookie } = await begin(by);
  const back = await issuers.approve(url.href);
  const without = new URL(back);
  without.searchParams.delete('state');
  await expect(comeBack(by, without, cookie)).rejects.toMatchObject(badState);
  const invented = new URL(back);
  invented.searchParams.set('state', 'A'.repeat(43));
  await expect(comeBack(by, invented, cookie)).rejects.toMatchObject(badState);
  await expect(comeBack(by, back, cookie)).resolves.toBeDefined();
  await expect(comeBack(by, back, cookie)).rejects.toMatchObject(badState);
});

test.each(providers)(
  'threat 31: %s: the state of another browser signs nobody in, and stays good for its own',
  async (by) => {
    const mine = await begin(by);
    const theirs = await begin(by);
    const back = await issuers.approve(mine.url.href);
    await expect(comeBack(by, back, undefined)).rejects.toMatchObject(badState);
    await expect(comeBack(by, back, theirs.cookie)).rejects.toMatchObject(badState);
    // The name of the cookie can be known to who knows the state; its value cannot.
    const name = mine.cookie.slice(0, mine.cookie.indexOf('='));
    const value = theirs.cookie.slice(theirs.cookie.indexOf('=') + 1);
    await expect(comeBack(by, back, `${name}=${value}`)).rejects.toMatchObject(badState);
    await expect(comeBack(by, back, `other=1; ${mine.cookie}; more=%`)).resolves.toBeDefined();
  },
);

test('threat 31: a way to one provider does not end at another', async () => {
  const { url, cookie } = await begin('github');
  const back = await issuers.approve(url.href);
  await expect(comeBack('oidc', back, cookie)).rejects.toMatchObject(badState);
  await expect(comeBack('github', back, cookie)).resolves.toBeDefined();
});

test('threat 31: a state that has expired by the clock of the database is worth nothing', async () => {
  const { url, cookie } = await begin('github');
  const back = await issuers.approve(url.href);
  const flow = database.db
    .updateTable('identity_flows')
    .where('state_hash', '=', sha256(back.searchParams.get('state') ?? ''));
  await flow.set({ expires_at: sql<Date>`now()` }).execute();
  await expect(comeBack('github', back, cookie)).rejects.toMatchObject(badState);
});

test('threat 31: of many who come back with one state at once, one is signed in', async () => {
  const { url, cookie } = await begin('github');
  const back = await issuers.approve(url.href);
  const tried = await Promise.allSettled(Array.from({ length: 8 }, () => comeBack('github', back, cookie)));
  expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test.each(providers)('threat 31: %s: a code that was used, or asked for without PKCE, signs nobody in', async (by) => {
  const first = await begin(by);
  const back = await issuers.approve(first.url.href);
  await comeBack(by, back, first.cookie);
  const replayed = await begin(by);
  const forged = new URL(back);
  forged.searchParams.set('state', replayed.url.searchParams.get('state') ?? '');
  await expect(comeBack(by, forged, replayed.cookie)).rejects.toMatchObject({ code: 'unauthenticated' });

  const bare = await begin(by);
  for (const name of ['code_challenge', 'code_challenge_method']) bare.url.searchParams.delete(name);
  const unbound = await issuers.approve(bare.url.href);
  await expect(comeBack(by, unbound, bare.cookie)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test.each(providers)('threat 31: %s: the code of another’s way, put into one’s own, signs nobody in', async (by) => {
  const victim = await begin(by);
  const stolen = await issuers.approve(victim.url.href);
  const attacker = await begin(by);
  const injected = new URL(stolen);
  injected.searchParams.set('state', attacker.url.searchParams.get('state') ?? '');
  await expect(comeBack(by, injected, attacker.cookie)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test.each([
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'javascript:alert(1)',
  'https://evil.example/',
  'https://flowplane.test.evil.example/',
  'https://flowplane.test@evil.example/',
  '/\t/evil.example',
  '/\n/evil.example',
  ' //evil.example',
  'workflows',
  '',
  '/\u2215evil.example',
])('threat 31: after signing in nobody is sent to %j', async (returnTo) => {
  const { call, response } = callAs(auth, undefined);
  const problem = await call('mutation', 'github.login', { returnTo }).then(String, (error) =>
    problemOfError(error, 'req_test'),
  );
  expect(problem).toMatchObject({ code: 'invalid_input', errors: [{ path: 'returnTo' }] });
  expect(response.cookies).toEqual([]);
});

test('threat 31: what begins harmlessly and looks like another place once it is normal stays here, whole', async () => {
  for (const returnTo of ['/.//evil.example', '/a/..//evil.example', '/%2e%2e//evil.example']) {
    expect((await signInBy('github', { returnTo })).returnTo).toMatch(/^https:\/\/flowplane\.test\//);
    scene.who = somebody();
  }
});

test('threat 31: an own redirect_uri is not taken', async () => {
  const { call } = callAs(auth, undefined);
  await expect(call('mutation', 'github.login', { redirect_uri: '//evil.example' })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  });
});

test.each(providers)(
  'threat 31: %s: an email that is not verified there leads into no account that has it',
  async (by) => {
    const victim = await newcomer(auth);
    const { email } = victim.signedIn.user;
    if (!email) throw new Error('a newcomer has an email');
    await markVerified(database.db, { id: victim.signedIn.user.id, email });
    scene.who = somebody(email, false);
    await expect(signInBy(by)).rejects.toMatchObject({ code: 'email_taken', message: expect.stringContaining('link') });
    const mine = database.db.selectFrom('identities').select('id').where('user_id', '=', victim.principal.userId);
    expect(await mine.execute()).toEqual([]);
  },
);

test.each(providers)(
  '%s: an email that is verified on neither or one side merges nothing; on both it does',
  async (by) => {
    const { signedIn, principal } = await newcomer(auth);
    const email = signedIn.user.email ?? '';
    const who = somebody(email);
    scene.who = who;
    await expect(signInBy(by)).rejects.toMatchObject({
      code: 'email_taken',
      message: expect.stringContaining('its address was never confirmed'),
    });
    await markVerified(database.db, { id: principal.userId, email });
    const merged = await signInBy(by);
    expect(merged.signedIn.user.id).toBe(principal.userId);
    expect((await account(principal.userId)).password_hash).not.toBeNull();
  },
);

test.each(providers)('threat 31: %s: an address that is not verified is nobody’s: the account has none', async (by) => {
  const email = 'victim-to-be@example.com';
  scene.who = somebody(email, false);
  const { signedIn } = await signInBy(by);
  expect(signedIn.user.email).toBeNull();
  // Its owner is not kept from registering, nor let into the stranger's account.
  expect((await newcomer(auth, email)).signedIn.user.id).not.toBe(signedIn.user.id);
  await database.db.deleteFrom('users').where('email', '=', email).execute();
});

test('an account without an address has the one that its identity has verified meanwhile, if nobody else has', async () => {
  const who = somebody('late@example.com', false);
  scene.who = who;
  const { user } = (await signInBy('github')).signedIn;
  const taken = await newcomer(auth);
  const verified = (email: string) => ({
    ...who,
    gitHub: { ...who.gitHub, emails: [{ email, primary: true, verified: true }] },
  });
  scene.who = verified(taken.signedIn.user.email ?? '');
  expect((await signInBy('github')).signedIn.user).toMatchObject({ id: user.id, email: null });
  scene.who = verified('late@example.com');
  expect((await signInBy('github')).signedIn.user).toMatchObject({ id: user.id, email: 'late@example.com' });
  scene.who = verified('another@example.com');
  expect((await signInBy('github')).signedIn.user).toMatchObject({ id: user.id, email: 'late@example.com' });
});

test('two who come at once with one new identity, or with one new address, get one account', async () => {
  const ways = await Promise.all([begin('github'), begin('github'), begin('oidc'), begin('oidc')]);
  const backs = await Promise.all(ways.map(({ url }) => issuers.approve(url.href)));
  const finished = await Promise.all(
    ways.map(({ cookie }, index) => comeBack(index < 2 ? 'github' : 'oidc', backs[index] ?? new URL('x:'), cookie)),
  );
  const ids = finished.map((one) => ('signedIn' in one ? one.signedIn.user.id : ''));
  expect(new Set(ids).size).toBe(1);
});

test('who says no at the provider is told so, and other faults of its are not repeated', async () => {
  const { url, cookie } = await begin('github');
  scene.denying = 'access_denied';
  const denied = await issuers.approve(url.href);
  await expect(comeBack('github', denied, cookie)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(comeBack('github', denied, cookie)).rejects.toMatchObject(badState);
  const second = await begin('github');
  scene.denying = '<script>alert(1)</script>';
  const odd = await issuers.approve(second.url.href);
  const refused = await comeBack('github', odd, second.cookie).catch((error) => error);
  expect(refused).toMatchObject({ code: 'unauthenticated', message: expect.not.stringContaining('script') });
});

test('a provider that is away, or answers nonsense, is unavailable, and the operator is told', async () => {
  for (const path of ['/login/oauth/access_token', '/api/v3/user', '/api/v3/user/emails']) {
    const { url, cookie } = await begin('github');
    const back = await issuers.approve(url.href);
    scene.failing.add(path);
    issuers.errors.length = 0;
    await expect(comeBack('github', back, cookie), path).rejects.toMatchObject({ code: 'unavailable' });
    expect(issuers.errors[0]).toMatch(/^GitHub: .*503/);
    scene.failing.clear();
  }
});

test('a secret that the provider does not know is the operator’s to hear of, not the caller’s', async () => {
  const gitHub = { ...issuers.options.gitHub, clientSecret: 'another' };
  const wrong = await openAuth(suite.url, { identities: { ...issuers.options, gitHub } });
  const { url, cookie } = await begin('github');
  const { searchParams } = await issuers.approve(url.href);
  const query = { state: searchParams.get('state') ?? '', code: searchParams.get('code') ?? '' };
  issuers.errors.length = 0;
  const refused = await finishFlow(wrong, 'github', { query, cookieHeader: cookie, from }).catch((error) => error);
  expect(refused).toMatchObject({ code: 'unavailable', message: expect.not.stringContaining('credentials') });
  expect(issuers.errors).toEqual(['GitHub: the token endpoint: incorrect_client_credentials']);
  await wrong.database.close();
});

test('what is not set up says what to set', async () => {
  const bare = await openAuth(suite.url);
  const { call } = callAs(bare, undefined);
  await expect(call('mutation', 'github.login', {})).rejects.toThrow(/GITHUB_CLIENT_ID/);
  await expect(call('mutation', 'oidc.login', {})).rejects.toThrow(/OIDC_ISSUER/);
  expect(await call('query', 'providers')).toEqual({ items: [] });
  expect(await callAs(auth, undefined).call('query', 'providers')).toEqual({
    items: [
      { provider: 'github', name: 'GitHub' },
      { provider: 'oidc', name: 'Example Inc.' },
    ],
  });
  await bare.database.close();
});
