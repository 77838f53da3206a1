import { setTimeout as sleep } from 'node:timers/promises';
import { apiKeyCreateInput, apiKeyImportInput, apiKeyListInput, apiKeyRotateInput } from '@flowplane/contract/auth';
import { limits } from '@flowplane/contract/limits';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { authenticate } from '../authenticate.ts';
import { sha256 } from '../secrets.ts';
import { newcomer, openAuth, testAuth } from '../test-auth.ts';
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts';
import { importApiKeys } from './import-api-keys.ts';
import { rotateApiKey } from './rotate-api-key.ts';
import { whoami } from './whoami.ts';

const suite = await testAuth();
const { auth, database } = suite;
const owner = await newcomer(auth, 'owner@example.com');
afterAll(() => suite[Symbol.asyncDispose]());

const refused = { code: 'unauthenticated' };
const forbidden = { code: 'forbidden' };

function make(principal: Principal, more: Record<string, unknown> = {}) {
  return createApiKey(auth, principal, apiKeyCreateInput.parse({ name: 'key', ...more }));
}

function rotate(principal: Principal, id: string, overlapSeconds?: number) {
  return rotateApiKey(auth, principal, apiKeyRotateInput.parse({ id, overlapSeconds }));
}

async function whoSends(key: string, at: Auth = auth): Promise<Principal> {
  const principal = await authenticate(at, { 'x-api-key': key }, 'POST');
  if (!principal) throw new Error('an API key is somebody or refused');
  return principal;
}

const inAMinute = () => new Date(Date.now() + 60_000);

test('threat 33: a rotated key has a new secret, and the old one stops here at once, within a second everywhere', async () => {
  const { principal } = await newcomer(auth);
  const { id, key, ...before } = await make(principal);
  const other = await openAuth(suite.url);
  await Promise.all([whoSends(key), whoSends(key, other)]);
  const rotated = await rotate(principal, id);
  expect(rotated).toMatchObject({ id, name: before.name, scopes: before.scopes, prefix: rotated.key.slice(0, 16) });
  await expect(whoSends(key)).rejects.toMatchObject(refused);
  await expect(whoSends(rotated.key)).resolves.toMatchObject({ apiKey: { id, prefix: rotated.prefix } });
  await sleep(1_050);
  await expect(whoSends(key, other)).rejects.toMatchObject(refused);
  await other.database.close();
});

test('with an overlap both secrets work until it is over; a further rotation ends the oldest', async () => {
  const { principal } = await newcomer(auth);
  const { id, key } = await make(principal);
  const second = await rotate(principal, id, 3_600);
  for (const each of [key, second.key]) await expect(whoSends(each)).resolves.toBeDefined();
  const third = await rotate(principal, id, 3_600);
  await expect(whoSends(key)).rejects.toMatchObject(refused);
  for (const each of [second.key, third.key]) await expect(whoSends(each)).resolves.toBeDefined();
  await sql`update api_keys set previous_until = now() where id = ${id}`.execute(database.db);
  auth.apiKeyPrincipals.clear();
  await expect(whoSends(second.key)).rejects.toMatchObject(refused);
  await rotate(principal, id, 3_600);
  await revokeApiKey(auth, principal, { id });
  await expect(whoSends(third.key)).rejects.toMatchObject(refused);
});

test('somebody else’s key, a revoked and an expired one are not found', async () => {
  const { principal } = await newcomer(auth);
  const stranger = await newcomer(auth);
  const { id } = await make(principal);
  await expect(rotate(stranger.principal, id)).rejects.toMatchObject({ code: 'not_found' });
  await sql`update api_keys set expires_at = now() where id = ${id}`.execute(database.db);
  await expect(rotate(principal, id)).rejects.toMatchObject({ code: 'not_found' });
  const gone = await make(principal);
  await revokeApiKey(auth, principal, gone);
  await expect(rotate(principal, gone.id)).rejects.toMatchObject({ code: 'not_found' });
});

test('a key gets no secret of a key that may do more, or for longer, but its own and lesser ones', async () => {
  const { principal } = await newcomer(auth);
  const expiresAt = inAMinute();
  const made = await make(principal, { scopes: ['api-keys:write', 'workflows:read'], expiresAt });
  const narrow = await whoSends(made.key);
  const wider = await make(principal, { expiresAt });
  const longer = await make(principal, { scopes: ['workflows:read'] });
  for (const { id } of [wider, longer]) await expect(rotate(narrow, id)).rejects.toMatchObject(forbidden);
  for (const { key } of [wider, longer]) await expect(whoSends(key)).resolves.toBeDefined();
  const lesser = await make(principal, { scopes: ['workflows:read'], expiresAt });
  await expect(rotate(narrow, lesser.id)).resolves.toBeDefined();
  await expect(rotate(narrow, made.id)).resolves.toBeDefined();
});

test('a key that expires makes only keys that expire no later', async () => {
  const { principal } = await newcomer(auth);
  const expiresAt = inAMinute();
  const maker = await whoSends((await make(principal, { expiresAt })).key);
  expect((await make(maker)).expiresAt).toEqual(expiresAt);
  const earlier = new Date(Date.now() + 30_000);
  expect((await make(maker, { expiresAt: earlier })).expiresAt).toEqual(earlier);
  await expect(make(maker, { expiresAt: new Date(expiresAt.getTime() + 1) })).rejects.toMatchObject(forbidden);
  const endless = await whoSends((await make(principal)).key);
  expect((await make(endless)).expiresAt).toBeNull();
});

test('a key’s last use is shown, and costs one write a minute', async () => {
  const { principal } = await newcomer(auth);
  const { key, lastUsedAt } = await make(principal);
  expect(lastUsedAt).toBeNull();
  const shown = async () => (await listApiKeys(auth, principal, apiKeyListInput.parse({}))).items[0]?.lastUsedAt;
  await whoSends(key);
  await expect.poll(shown, { timeout: 10_000 }).toBeInstanceOf(Date);
  const first = await shown();
  for (let n = 0; n < 5; n += 1) {
    auth.apiKeyPrincipals.clear();
    await whoSends(key);
  }
  expect(await shown()).toEqual(first);
});

test('the owner takes over keys by their hashes, and who has one goes on with it', async () => {
  const key = 'sk_live_from_elsewhere_0123456789';
  const imported = (more: object = {}) => ({
    keys: [{ name: 'old', hash: sha256(key).toUpperCase(), prefix: 'sk_live_', scopes: ['workflows:read'], ...more }],
  });
  const take = (principal: Principal, more: object = {}) =>
    importApiKeys(auth, principal, apiKeyImportInput.parse(imported(more)));
  await expect(whoSends(key)).rejects.toMatchObject(refused);
  const { items } = await take(owner.principal);
  expect(items).toMatchObject([{ name: 'old', prefix: 'sk_live_', scopes: ['workflows:read'] }]);
  expect(await whoSends(key)).toMatchObject({ kind: 'apiKey', userId: owner.principal.userId });
  await expect(take(owner.principal)).rejects.toMatchObject({ code: 'conflict' });
  const someoneElse = await newcomer(auth);
  await expect(take(someoneElse.principal, { hash: sha256('another') })).rejects.toMatchObject(forbidden);
  const ownersKey = await whoSends((await make(owner.principal)).key);
  await expect(take(ownersKey, { hash: sha256('another') })).rejects.toMatchObject(forbidden);
  await expect(take(owner.principal, { hash: sha256('another'), tier: 'unlimited' })).rejects.toMatchObject(forbidden);
});

test('an import is whole or not at all', async () => {
  const keys = ['one', 'two', 'two'].map((name) => ({ name, hash: sha256(`import ${name}`), prefix: 'x' }));
  const listed = async () => {
    const { items } = await listApiKeys(auth, owner.principal, apiKeyListInput.parse({}));
    return items.map(({ id }) => id);
  };
  const before = await listed();
  const whole = importApiKeys(auth, owner.principal, apiKeyImportInput.parse({ keys }));
  await expect(whole).rejects.toMatchObject({ code: 'conflict' });
  expect(await listed()).toEqual(before);
});

test('a user has so many living keys and no more, also when they are made at once, over whatever team', async () => {
  const { principal } = await newcomer(auth);
  const room = 3;
  const old = Array.from({ length: limits.apiKeys - room }, (_, i) => ({
    id: newId(),
    team_id: principal.teamId,
    user_id: principal.userId,
    name: 'old',
    prefix: 'old',
    hash: `${principal.userId} ${i}`,
    scopes: ['workflows:read'],
    tier: principal.tier,
    expires_at: null,
    revoked_at: null,
  }));
  await database.db.insertInto('api_keys').values(old).execute();
  const made = await Promise.allSettled(Array.from({ length: room * 2 }, () => make(principal)));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(room);
  for (const one of made.filter((one) => one.status === 'rejected')) {
    expect(one.reason).toMatchObject({ code: 'quota_reached', message: expect.stringContaining('revoke some') });
  }
  await revokeApiKey(auth, principal, { id: old[0]?.id ?? '' });
  await database.db
    .updateTable('api_keys')
    .set({ expires_at: new Date(0) })
    .where('id', '=', old[1]?.id ?? '')
    .execute();
  await make(principal);
  await make(principal);
  await expect(make(principal)).rejects.toMatchObject({ code: 'quota_reached' });
  await expect(make((await newcomer(auth)).principal)).resolves.toMatchObject({ name: 'key' });
});

test('whoami tells the credential apart', async () => {
  const { principal, signedIn } = await newcomer(auth);
  expect(await whoami(auth, principal)).toMatchObject({ kind: 'jwt', user: signedIn.user, apiKey: null });
  const { key, id, prefix } = await make(principal, { scopes: ['account:read'] });
  expect(await whoami(auth, await whoSends(key))).toMatchObject({
    kind: 'apiKey',
    team: signedIn.team,
    permissions: ['account:read'],
    apiKey: { id, prefix, expiresAt: null },
  });
});

test.each(['', 'short', 'with a space in the middle', 'x'.repeat(257), 'ünïcödé-ünïcödé-ünïcödé'])(
  'what cannot be a key is refused without a query: %s',
  async (key) => {
    let queries = 0;
    const count = () => {
      queries += 1;
    };
    database.pool.on('acquire', count);
    await expect(whoSends(key)).rejects.toMatchObject(refused);
    database.pool.off('acquire', count);
    expect(queries).toBe(0);
  },
);
