import { afterAll, expect, test } from 'vitest';
import { login } from '../accounts.ts';
import { deriveKey, seal, unseal } from '../seal.ts';
import { from, newcomer, openAuth, password, testAuth } from '../test-auth.ts';
import { signingKey } from './key-ring.ts';
import { tokenPrincipal } from './tokens.ts';

const suite = await testAuth();
afterAll(() => suite[Symbol.asyncDispose]());

test('processes that start at once on a new database agree on one key, and take each other’s tokens', async () => {
  await suite.database.db.deleteFrom('signing_keys').execute();
  const auths = await Promise.all([openAuth(suite.url), openAuth(suite.url), openAuth(suite.url)]);
  try {
    const keys = await Promise.all(auths.map((auth) => signingKey(auth.keys)));
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
    const rows = await suite.database.db.selectFrom('signing_keys').selectAll().execute();
    expect(rows).toHaveLength(1);
    const [one, other] = auths;
    if (!one || !other) throw new Error('three were opened');
    const { signedIn } = await newcomer(one, 'shared@example.com');
    await expect(tokenPrincipal(other, signedIn.accessToken)).resolves.toMatchObject({ userId: signedIn.user.id });
  } finally {
    await Promise.all(auths.map((auth) => auth.database.close()));
  }
});

test('another SECRET_KEY stops the start and says so; one too short does as well', async () => {
  const wrong = { database: suite.database, secretKey: 'x'.repeat(40) };
  await expect(openAuth(suite.url, wrong)).rejects.toThrow(/SECRET_KEY does not open .* first started with/);
  const short = { database: suite.database, secretKey: 'x'.repeat(31) };
  await expect(openAuth(suite.url, short)).rejects.toThrow('at least 32 characters');
});

test('the private key is not in the database in clear', async () => {
  const rows = await suite.database.db.selectFrom('signing_keys').selectAll().execute();
  const text = JSON.stringify(rows);
  for (const part of ['"d"', '"p"', '"q"']) expect(text).not.toContain(part);
});

test('a sealed key moved to another row, or changed in one bit, does not open', () => {
  const key = deriveKey('a secret key of tests, long enough', 'flowplane signing keys');
  const sealed = seal(key, 'private', 'kid-1');
  expect(unseal(key, sealed, 'kid-1')).toBe('private');
  expect(() => unseal(key, sealed, 'kid-2')).toThrow();
  expect(() => unseal(deriveKey('a secret key of tests, long enough', 'other'), sealed, 'kid-1')).toThrow();
  const bytes = Buffer.from(sealed, 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  expect(() => unseal(key, bytes.toString('base64url'), 'kid-1')).toThrow();
  expect(() => unseal(key, sealed.slice(0, 20), 'kid-1')).toThrow();
});

test('a process that is restarted signs with the same key, so sign-ins outlive it', async () => {
  const before = await openAuth(suite.url);
  await newcomer(before, 'again@example.com');
  const { signedIn } = await login(before, { email: 'again@example.com', password }, from);
  await before.database.close();
  const after = await openAuth(suite.url);
  await expect(tokenPrincipal(after, signedIn.accessToken)).resolves.toMatchObject({ kind: 'jwt' });
  await after.database.close();
});
