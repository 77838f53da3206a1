import { apiKeyCreateInput } from '@flowplane/contract/auth';
import { identityPage, identityRedirect, type SignInProvider } from '@flowplane/contract/identity';
import { limits } from '@flowplane/contract/limits';
import { callTRPCProcedure } from '@trpc/server';
import { sql } from 'kysely';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Principal } from '../../context.ts';
import { router } from '../../trpc.ts';
import { login, logout } from '../accounts.ts';
import { createApiKey } from '../api-keys/api-keys.ts';
import type { Auth } from '../auth.ts';
import { authenticate } from '../authenticate.ts';
import { cleanUp } from '../clean-up.ts';
import { changePassword } from '../passwords/change-password.ts';
import { createOneTimeToken } from '../passwords/one-time-tokens.ts';
import { resetPassword } from '../passwords/reset-password.ts';
import { markVerified } from '../passwords/verify-email.ts';
import { from, newcomer, openAuth, password, sentBack, testAuth } from '../test-auth.ts';
import { beginFlow, finishFlow } from './flow.ts';
import { identitiesRouter } from './identities-router.ts';
import { listIdentities, unlinkIdentity } from './identity-list.ts';
import { somebody, startIssuers } from './test-issuers.ts';

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
});

const page = { limit: 20 };
const identitiesOnly = router(identitiesRouter);

function beginToLink(principal: Principal): Promise<unknown> {
  const ctx = {
    database,
    auth,
    principal,
    request: { id: 'req_test', ...from },
    response: { headers: {}, cookies: [] },
  };
  const getRawInput = async () => ({ provider: 'github' });
  const call = { router: identitiesOnly, path: 'link', type: 'mutation' as const, ctx, getRawInput };
  return callTRPCProcedure({ ...call, signal: undefined, batchIndex: 0 });
}

/** The way through a provider of who is signed in as `linkTo`, or of nobody. */
async function go(provider: SignInProvider, linkTo?: Principal, at: Auth = auth) {
  const { url, cookie } = await beginFlow(at, { provider, ...(linkTo ? { linkTo } : {}) });
  const { searchParams } = await issuers.approve(identityRedirect.parse({ url }).url);
  const query = { state: searchParams.get('state') ?? '', code: searchParams.get('code') ?? '' };
  return finishFlow(at, provider, { query, cookieHeader: sentBack(cookie), from });
}

async function signInBy(provider: SignInProvider): Promise<Principal> {
  const finished = await go(provider);
  if (!('signedIn' in finished)) throw new Error('nobody is signed in');
  const { user, team } = finished.signedIn;
  const { principal } = await newcomer(auth);
  return { ...principal, userId: user.id, teamId: team.id };
}

test('who is signed in links identities, by which they sign in from then on', async () => {
  const { principal } = await newcomer(auth);
  const who = scene.who;
  const linked = await go('github', principal);
  expect(linked).toMatchObject({ identity: { provider: 'github', issuer: issuers.base, label: who.gitHub.login } });
  expect(linked.cookies).toHaveLength(1);
  await go('oidc', principal);
  const list = identityPage.parse(await listIdentities(auth, principal, page));
  expect(list.items.map(({ provider }) => provider)).toEqual(['oidc', 'github']);
  for (const provider of ['github', 'oidc'] as const) {
    expect(await go(provider)).toMatchObject({ signedIn: { user: { id: principal.userId } } });
  }
  const { items } = await listIdentities(auth, (await newcomer(auth)).principal, page);
  expect(items).toEqual([]);
});

test('linking the same again changes nothing; one that is somebody else’s is refused', async () => {
  const { principal } = await newcomer(auth);
  const other = await newcomer(auth);
  await go('github', principal);
  await go('github', principal);
  await expect(go('github', other.principal)).rejects.toMatchObject({ code: 'conflict' });
  expect((await listIdentities(auth, principal, page)).items).toHaveLength(1);
  expect((await listIdentities(auth, other.principal, page)).items).toEqual([]);
});

test('an identity with the account’s own address proves that address; another proves nothing', async () => {
  const { principal, signedIn } = await newcomer(auth);
  const verifiedAt = async () => {
    const row = database.db.selectFrom('users').select('email_verified_at').where('id', '=', principal.userId);
    return (await row.executeTakeFirstOrThrow()).email_verified_at;
  };
  await go('github', principal);
  expect(await verifiedAt()).toBeNull();
  scene.who = somebody(signedIn.user.email ?? '', false);
  await go('github', principal);
  expect(await verifiedAt()).toBeNull();
  scene.who = somebody(signedIn.user.email ?? '');
  await go('github', principal);
  expect(await verifiedAt()).not.toBeNull();
});

test('threat 28: a way that was begun in a session ends with it', async () => {
  const { principal } = await newcomer(auth);
  const { url, cookie } = await beginFlow(auth, { provider: 'github', linkTo: principal });
  const { searchParams } = await issuers.approve(url);
  await logout(auth, principal, from);
  const query = { state: searchParams.get('state') ?? '', code: searchParams.get('code') ?? '' };
  const late = finishFlow(auth, 'github', { query, cookieHeader: sentBack(cookie), from });
  await expect(late).rejects.toMatchObject({ code: 'invalid_input' });
});

test('the last way in stays; with a password or another identity each can go', async () => {
  const principal = await signInBy('github');
  const [only] = (await listIdentities(auth, principal, page)).items;
  await expect(unlinkIdentity(auth, principal, { id: only?.id ?? '' })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('/auth/password/forgot'),
  });
  await go('oidc', principal);
  await unlinkIdentity(auth, principal, { id: only?.id ?? '' });
  await expect(unlinkIdentity(auth, principal, { id: only?.id ?? '' })).rejects.toMatchObject({ code: 'not_found' });
  const [left] = (await listIdentities(auth, principal, page)).items;

  // What the operator has turned off lets nobody in.
  const { oidc: _, ...others } = issuers.options;
  const without = await openAuth(suite.url, { identities: others });
  await go('github', principal, without);
  const [gitHub] = (await listIdentities(auth, principal, page)).items;
  await expect(unlinkIdentity(without, principal, { id: gitHub?.id ?? '' })).rejects.toMatchObject({
    code: 'conflict',
  });
  await expect(unlinkIdentity(without, principal, { id: left?.id ?? '' })).resolves.toBeUndefined();
  await without.database.close();
});

test('of two unlinkings at once that would leave nothing, one is refused', async () => {
  const principal = await signInBy('github');
  await go('oidc', principal);
  const { items } = await listIdentities(auth, principal, page);
  const waiting = sql<{
    n: number;
  }>`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  const both = await database.db.transaction().execute(async (tx) => {
    await tx.selectFrom('users').select('id').where('id', '=', principal.userId).forUpdate().execute();
    const both = items.map(({ id }) => unlinkIdentity(auth, principal, { id }));
    // Asked outside of the transaction, within which pg_stat_activity stays as it was first read.
    await expect.poll(async () => (await waiting.execute(database.db)).rows[0]?.n, { timeout: 10_000 }).toBe(2);
    return { both };
  });
  const tried = await Promise.allSettled(both.both);
  expect(tried.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('an API key changes nothing about how its owner signs in, nor does a guest', async () => {
  const { principal } = await newcomer(auth);
  await go('github', principal);
  const [identity] = (await listIdentities(auth, principal, page)).items;
  const key = { ...principal, kind: 'apiKey' as const, sessionId: null };
  const guest = { ...principal, role: 'guest' };
  for (const who of [key, guest]) {
    const unlinked = unlinkIdentity(auth, who, { id: identity?.id ?? '' });
    await expect(unlinked).rejects.toMatchObject({ code: 'forbidden' });
    await expect(beginToLink(who)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  }
});

test('an account has a bounded number of identities', async () => {
  const { principal } = await newcomer(auth);
  for (let n = 0; n < limits.identities; n += 1) {
    scene.who = somebody();
    await go('github', principal);
  }
  scene.who = somebody();
  await expect(go('github', principal)).rejects.toMatchObject({ code: 'quota_reached' });
});

test('an account without a password: no password is right, none can be changed, a mail sets the first one', async () => {
  const { email } = scene.who.oidc;
  const principal = await signInBy('github');
  await expect(login(auth, { email, password }, from)).rejects.toMatchObject({ code: 'invalid_credentials' });
  const change = changePassword(auth, principal, {
    currentPassword: password,
    newPassword: 'four other words',
    ...from,
  });
  await expect(change).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('/auth/password/forgot'),
  });
  const token = await createOneTimeToken(database.db, 'reset_password', { userId: principal.userId, email });
  await resetPassword(auth, { token, password }, from);
  await expect(login(auth, { email, password }, from)).resolves.toBeDefined();
  // The address was verified before, so the identity is the owner's own.
  expect((await listIdentities(auth, principal, page)).items).toHaveLength(1);
});

test('threat 31: who registered with another’s address is not in the account any more once its owner has taken it over', async () => {
  const { principal, signedIn } = await newcomer(auth);
  const email = signedIn.user.email ?? '';
  await go('github', principal);
  const attacker = scene.who;
  const { key } = await createApiKey(auth, principal, apiKeyCreateInput.parse({ name: 'stays' }));
  const token = await createOneTimeToken(database.db, 'reset_password', { userId: principal.userId, email });
  await resetPassword(auth, { token, password: 'the owner’s own words' }, from);
  scene.who = attacker;
  expect(await go('github')).not.toMatchObject({ signedIn: { user: { id: principal.userId } } });
  await markVerified(database.db, { id: principal.userId, email });
  expect((await listIdentities(auth, principal, page)).items).toEqual([]);
  await expect(authenticate(auth, { 'x-api-key': key }, 'GET')).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('ways that nobody has ended are removed when their time is over', async () => {
  await beginFlow(auth, { provider: 'github' });
  await sql`update identity_flows set expires_at = now() - interval '1 second'`.execute(database.db);
  await beginFlow(auth, { provider: 'github' });
  await cleanUp(database.db);
  expect(await database.db.selectFrom('identity_flows').select('provider').execute()).toHaveLength(1);
});
