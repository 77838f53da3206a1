import { decodeProtectedHeader, importJWK, jwtVerify, SignJWT } from 'jose';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import type { Auth } from '../auth.ts';
import { newcomer, openAuth, testAuth } from '../test-auth.ts';
import { startUpkeep } from '../upkeep.ts';
import { publicKeys, readKeys, signingKey } from './key-ring.ts';
import { rotateIfDue, rotateSigningKey } from './key-rotation.ts';
import { tokenPrincipal } from './tokens.ts';

const suite = await testAuth();
const { auth, database } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

/** Moves the times of all keys, as if `minutes` had passed. */
async function pass(minutes: number): Promise<void> {
  const by = sql`make_interval(mins => ${minutes})`;
  await sql`
    update signing_keys set created_at = created_at - ${by}, signs_from = signs_from - ${by},
      verifies_until = case when verifies_until = 'infinity' then 'infinity' else verifies_until - ${by} end`.execute(
    database.db,
  );
}

/** As if this process had not read the keys for a while. */
function forget(at: Auth): void {
  at.keys.readAt = Number.NEGATIVE_INFINITY;
  at.verifiedTokens.clear();
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const whoSends = (token: string, at: Auth = auth) => (async () => tokenPrincipal(at, token))();
const refused = { code: 'unauthenticated' };

test('threat 26: a new key is public at once, signs ten minutes later, and the old one verifies until its tokens have expired', async () => {
  const other = await openAuth(suite.url);
  const old = await newcomer(auth);
  const before = await signingKey(auth.keys);
  const { kid, signsFrom } = await rotateSigningKey(auth, { immediately: false });
  expect(signsFrom.getTime() - Date.now()).toBeGreaterThan(9 * 60_000);
  expect((await publicKeys(auth.keys)).keys.map((key) => key.kid)).toEqual([kid, before.kid]);
  expect(kidOf((await newcomer(auth)).signedIn.accessToken)).toBe(before.kid);

  await pass(11);
  for (const at of [auth, other]) forget(at);
  const { signedIn } = await newcomer(auth);
  expect(kidOf(signedIn.accessToken)).toBe(kid);
  for (const at of [auth, other]) {
    await expect(whoSends(signedIn.accessToken, at)).resolves.toBeDefined();
    await expect(whoSends(old.signedIn.accessToken, at)).resolves.toBeDefined();
  }

  await pass(35);
  for (const at of [auth, other]) {
    forget(at);
    await expect(whoSends(old.signedIn.accessToken, at)).rejects.toMatchObject(refused);
    await expect(whoSends(signedIn.accessToken, at)).resolves.toBeDefined();
  }
  expect((await publicKeys(other.keys)).keys.map((key) => key.kid)).toEqual([kid]);
  await other.database.close();
});

test('threat 26: after a leak the new key signs at once, and what the old one signed is refused', async () => {
  const { signedIn } = await newcomer(auth);
  await whoSends(signedIn.accessToken);
  const { kid } = await rotateSigningKey(auth, { immediately: true });
  await expect(whoSends(signedIn.accessToken)).rejects.toMatchObject(refused);
  const fresh = await newcomer(auth);
  expect(kidOf(fresh.signedIn.accessToken)).toBe(kid);
  await expect(whoSends(fresh.signedIn.accessToken)).resolves.toBeDefined();
});

test('threat 26: a thousand tokens with unknown key ids cost no query', async () => {
  await readKeys(auth.keys);
  const { privateKey } = await signingKey(auth.keys);
  const token = (n: number) =>
    new SignJWT({}).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: `unknown-${n}` }).sign(privateKey);
  const tokens = await Promise.all(Array.from({ length: 1_000 }, (_, n) => token(n)));
  const readAt = auth.keys.readAt;
  let queries = 0;
  const query = database.pool.query.bind(database.pool);
  database.pool.on('acquire', () => {
    queries += 1;
  });
  const tried = await Promise.allSettled(tokens.map((each) => whoSends(each)));
  database.pool.removeAllListeners('acquire');
  expect(tried.filter(({ status }) => status === 'rejected')).toHaveLength(1_000);
  expect(queries).toBe(0);
  expect(auth.keys.readAt).toBe(readAt);
  await query('select 1');
});

test('by age the key is rotated once, however many processes ask, and a young one is left alone', async () => {
  expect(await rotateIfDue(auth.keys, 90)).toBe(false);
  await pass(91 * 24 * 60);
  const other = await openAuth(suite.url);
  const asked = await Promise.all([auth, other, auth, other].map((at) => rotateIfDue(at.keys, 90)));
  expect(asked.filter(Boolean)).toHaveLength(1);
  await other.database.close();
});

test('anybody can verify a token with the published keys, which have no private part', async () => {
  const { signedIn } = await newcomer(auth);
  const { keys } = await publicKeys(auth.keys);
  const jwk = keys.find(({ kid }) => kid === kidOf(signedIn.accessToken));
  expect(Object.keys(jwk ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  const { payload } = await jwtVerify(signedIn.accessToken, await importJWK(jwk ?? {}, 'RS256'), {
    issuer: 'https://flowplane.test',
  });
  expect(payload.sub).toBe(signedIn.user.id);
});

test('keys that somebody removed are replaced by a new one that signs at once', async () => {
  await database.db.deleteFrom('signing_keys').execute();
  forget(auth);
  const { signedIn } = await newcomer(auth);
  await expect(whoSends(signedIn.accessToken)).resolves.toBeDefined();
});

test('upkeep rotates the key that is due, and removes the ones that are over', async () => {
  await pass(91 * 24 * 60);
  const { kid } = await signingKey(auth.keys);
  const errors: unknown[] = [];
  const upkeep = startUpkeep(auth, { rotationDays: 90, everyMs: 20, onError: (error) => errors.push(error) });
  const kids = async () => (await database.db.selectFrom('signing_keys').select('kid').execute()).map((row) => row.kid);
  await expect.poll(async () => (await kids()).length, { timeout: 10_000 }).toBe(2);
  await pass(60);
  await expect.poll(kids, { timeout: 10_000 }).not.toContain(kid);
  await upkeep.stop();
  expect(errors).toEqual([]);
});
