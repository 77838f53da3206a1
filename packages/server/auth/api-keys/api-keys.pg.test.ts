import { setTimeout as sleep } from 'node:timers/promises';
import { apiKeyCreateInput, apiKeyListInput } from '@flowplane/contract/auth';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { authenticate } from '../authenticate.ts';
import { newcomer, openAuth, testAuth } from '../test-auth.ts';
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts';

const suite = await testAuth();
const { auth, database } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

function make(principal: Principal, more: Record<string, unknown> = {}) {
  return createApiKey(auth, principal, apiKeyCreateInput.parse({ name: 'key', ...more }));
}

async function whoSends(key: string, at: Auth = auth): Promise<Principal> {
  const principal = await authenticate(at, { 'x-api-key': key }, 'POST');
  if (!principal) throw new Error('an API key is somebody or refused');
  return principal;
}

function setRole(userId: string, role: 'readonly' | 'admin') {
  return database.db.updateTable('memberships').set({ role }).where('user_id', '=', userId).execute();
}

test('a key works for its owner as header or bearer, and is kept only as a hash with a prefix to tell it by', async () => {
  const { principal } = await newcomer(auth);
  const made = await make(principal);
  expect(made.key).toMatch(/^fp_live_[\w-]{43}$/);
  expect(made).toMatchObject({ prefix: made.key.slice(0, 16), tier: 'basic', expiresAt: null });
  const { userId, teamId } = principal;
  expect(await whoSends(made.key)).toMatchObject({ kind: 'apiKey', userId, teamId, sessionId: null });
  expect(await authenticate(auth, { authorization: `Bearer ${made.key}` }, 'GET')).toMatchObject({ userId });
  const row = await database.db.selectFrom('api_keys').selectAll().where('id', '=', made.id).executeTakeFirstOrThrow();
  expect(JSON.stringify(row)).not.toContain(made.key.slice(17));
});

test('threat 33: a revoked key is refused at once here and within a second everywhere', async () => {
  const { principal } = await newcomer(auth);
  const { id, key } = await make(principal);
  const other = await openAuth(suite.url);
  await Promise.all([whoSends(key), whoSends(key, other)]);
  await revokeApiKey(auth, principal, { id });
  await expect(async () => whoSends(key)).rejects.toMatchObject({ code: 'unauthenticated' });
  await sleep(1_050);
  await expect(async () => whoSends(key, other)).rejects.toMatchObject({ code: 'unauthenticated' });
  await other.database.close();
});

test('a lookup that a revocation overtakes is not remembered', async () => {
  const { principal } = await newcomer(auth);
  const { id, key } = await make(principal);
  const early = Promise.allSettled([whoSends(key), whoSends(key)]);
  await revokeApiKey(auth, principal, { id });
  await early;
  await expect(async () => whoSends(key)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a key seen within the last second answers without a promise, and many at once ask the database once', async () => {
  const { principal } = await newcomer(auth);
  const { key } = await make(principal);
  const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => whoSends(key)));
  for (const one of others) expect(one).toBe(first);
  expect(authenticate(auth, { 'x-api-key': key }, 'GET')).toBe(first);
});

test('a key expires by the database’s clock; one that would be born expired is refused', async () => {
  const { principal } = await newcomer(auth);
  const past = make(principal, { expiresAt: new Date(Date.now() - 1) });
  await expect(past).rejects.toMatchObject({ code: 'invalid_input', errors: [{ path: 'expiresAt' }] });
  const { id, key, expiresAt } = await make(principal, { expiresAt: new Date(Date.now() + 60_000) });
  expect(expiresAt).toBeInstanceOf(Date);
  await expect(whoSends(key)).resolves.toBeDefined();
  await sql`update api_keys set expires_at = now() where id = ${id}`.execute(database.db);
  auth.apiKeyPrincipals.clear();
  await expect(async () => whoSends(key)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('scopes are cut to the owner’s permissions, when the key is made and whenever it is used', async () => {
  const { principal } = await newcomer(auth);
  const reader: Principal = { ...principal, permissions: new Set(['workflows:read', 'api-keys:write']) };
  const cut = await make(reader, { scopes: ['workflows:read', 'workflows:write', 'workflows:read'] });
  expect(cut.scopes).toEqual(['workflows:read']);
  await expect(make(reader, { scopes: ['workflows:write'] })).rejects.toMatchObject({ code: 'forbidden' });
  expect((await make(reader)).scopes.sort()).toEqual(['api-keys:write', 'workflows:read']);

  const { key } = await make(principal, { scopes: ['workflows:read', 'workflows:write'] });
  expect([...(await whoSends(key)).permissions].sort()).toEqual(['workflows:read', 'workflows:write']);
  await setRole(principal.userId, 'readonly');
  auth.apiKeyPrincipals.clear();
  expect([...(await whoSends(key)).permissions]).toEqual(['workflows:read']);
});

test('a key cannot make a key that may do more than itself', async () => {
  const { principal } = await newcomer(auth);
  const { key } = await make(principal, { scopes: ['api-keys:write', 'workflows:read'] });
  const child = await make(await whoSends(key), { scopes: ['api-keys:write', 'workflows:read', 'workflows:write'] });
  expect(child.scopes.sort()).toEqual(['api-keys:write', 'workflows:read']);
});

test('a key’s tier is never above its owner’s, when made and when used', async () => {
  const { principal } = await newcomer(auth);
  for (const tier of ['premium', 'unlimited']) {
    await expect(make(principal, { tier })).rejects.toMatchObject({ code: 'forbidden' });
  }
  await sql`update users set tier = 'premium' where id = ${principal.userId}`.execute(database.db);
  const premium: Principal = { ...principal, tier: 'premium' };
  await expect(make(premium, { tier: 'unlimited' })).rejects.toMatchObject({ code: 'forbidden' });
  expect((await make(premium, { tier: 'basic' })).tier).toBe('basic');
  const { key, tier } = await make(premium);
  expect(tier).toBe('premium');
  expect((await whoSends(key)).tier).toBe('premium');
  await sql`update users set tier = 'basic' where id = ${principal.userId}`.execute(database.db);
  auth.apiKeyPrincipals.clear();
  expect((await whoSends(key)).tier).toBe('basic');
});

test('lists show the caller’s own living keys, newest first, each once', async () => {
  const { principal } = await newcomer(auth);
  const other = await newcomer(auth);
  await make(other.principal, { name: 'foreign' });
  const made = [];
  for (const name of ['one', 'two', 'three', 'four', 'five']) made.push(await make(principal, { name }));
  await revokeApiKey(auth, principal, { id: made[2]?.id ?? '' });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listApiKeys(auth, principal, apiKeyListInput.parse({ limit: 2, cursor }));
    expect(page.items.length).toBe(2);
    for (const item of page.items) expect(Object.keys(item)).not.toContain('key');
    seen.push(...page.items.map((item) => item.name));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen.toSorted()).toEqual(['five', 'four', 'one', 'two']);
});

test('another’s key, an unknown one and one revoked before are all not found, and the foreign one keeps working', async () => {
  const owner = await newcomer(auth);
  const stranger = await newcomer(auth);
  const { id, key } = await make(owner.principal);
  const missing = { code: 'not_found' };
  const teammate: Principal = { ...stranger.principal, teamId: owner.principal.teamId };
  const elsewhere: Principal = { ...owner.principal, teamId: stranger.principal.teamId };
  for (const other of [stranger.principal, teammate, elsewhere]) {
    await expect(revokeApiKey(auth, other, { id })).rejects.toMatchObject(missing);
    expect((await listApiKeys(auth, other, apiKeyListInput.parse({}))).items).toEqual([]);
  }
  auth.apiKeyPrincipals.clear();
  await expect(whoSends(key)).resolves.toBeDefined();
  await revokeApiKey(auth, owner.principal, { id });
  await expect(revokeApiKey(auth, owner.principal, { id })).rejects.toMatchObject(missing);
  const unknown = { id: '00000000-0000-4000-8000-000000000000' };
  await expect(revokeApiKey(auth, owner.principal, unknown)).rejects.toMatchObject(missing);
});

test('a database that fails is not mistaken for a bad key, nor remembered', async () => {
  const { principal } = await newcomer(auth);
  const { key } = await make(principal);
  const broken = await openAuth(suite.url);
  await broken.database.close();
  await expect(async () => whoSends(key, broken)).rejects.not.toMatchObject({ code: 'unauthenticated' });
  expect(broken.apiKeyPrincipals.size).toBe(0);
});
