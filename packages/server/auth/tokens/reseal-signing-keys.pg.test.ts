import { afterAll, beforeAll, expect, test } from 'vitest';
import { authenticate } from '../authenticate.ts';
import { newcomer, openAuth, testAuth, testOptions } from '../test-auth.ts';
import { resealSigningKeys } from './reseal-signing-keys.ts';

let suite: Awaited<ReturnType<typeof testAuth>>;
beforeAll(async () => {
  suite = await testAuth();
});
afterAll(() => suite[Symbol.asyncDispose]());

const secretKey = 'the next secret key, long enough too';

test('access tokens outlive a change of SECRET_KEY', async () => {
  const { signedIn, principal } = await newcomer(suite.auth);
  await expect(openAuth(suite.url, { secretKey })).rejects.toThrow('SECRET_KEY');
  const change = { secretKey, previousSecretKey: testOptions.secretKey };
  await resealSigningKeys(suite.database.db, change);
  await resealSigningKeys(suite.database.db, change);
  const next = await openAuth(suite.url, { secretKey });
  const headers = { authorization: `Bearer ${signedIn.accessToken}` };
  expect(await authenticate(next, headers, 'GET')).toMatchObject({ userId: principal.userId });
  await next.database.close();
});

test('a key that neither opens stays as it is', async () => {
  const stored = () => suite.database.db.selectFrom('signing_keys').selectAll().execute();
  const before = await stored();
  await resealSigningKeys(suite.database.db, { secretKey: 'x'.repeat(40), previousSecretKey: 'y'.repeat(40) });
  expect(await stored()).toEqual(before);
});
