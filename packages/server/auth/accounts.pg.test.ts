import { loginInput, registerInput } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { testDatabase } from '@flowplane/db/testing';
import { parseOptions } from '@node-rs/argon2';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { login, me, register } from './accounts.ts';
import type { Auth } from './auth.ts';
import type { Gate } from './passwords/gate.ts';
import { verifyPassword } from './passwords/passwords.ts';
import { slugOf } from './personal-team.ts';
import { from, newcomer, openAuth, password, testAuth } from './test-auth.ts';

const suite = await testAuth();
const { auth, database } = suite;
afterAll(() => suite[Symbol.asyncDispose]());

function signUp(email: string, name?: string, at: Auth = auth) {
  return register(at, registerInput.parse({ email, password, name }), from);
}

function signInWith(email: string, given: string, at: Auth = auth) {
  return login(at, loginInput.parse({ email, password: given }), from);
}

/** As `auth`, but nobody's password is hashed before `count` are, so that as many registrations reach the database at once. */
function startingTogether(auth: Auth, count: number): Auth {
  const { promise: everybodyIsHere, resolve } = Promise.withResolvers<void>();
  let here = 0;
  const gate: Gate = async (work) => {
    const result = await work();
    here += 1;
    if (here === count) resolve();
    await everybodyIsHere;
    return result;
  };
  return { ...auth, passwords: { ...auth.passwords, gate } };
}

test('of many who register first at once, exactly one becomes the owner of the instance', async () => {
  await using stored = await testDatabase();
  const empty = await openAuth(stored.url);
  const { db } = empty.database;
  // Connections are opened before, so that opening them does not put the registrations in a row.
  await Promise.all(Array.from({ length: 8 }, () => sql`select pg_sleep(0.05)`.execute(db)));
  const together = startingTogether(empty, 8);
  const emails = Array.from({ length: 8 }, (_, n) => `${n}@example.com`);
  await Promise.all(emails.map((email) => register(together, registerInput.parse({ email, password }), from)));
  await register(empty, registerInput.parse({ email: 'late@example.com', password }), from);
  const users = await db.selectFrom('users').select(['email', 'is_owner']).execute();
  await empty.database.close();
  expect(users).toHaveLength(9);
  expect(users.filter((user) => user.is_owner)).toHaveLength(1);
  expect(users.find((user) => user.email === 'late@example.com')?.is_owner).toBe(false);
});

test('registrations of one email at once make one account, and nothing is left of the others', async () => {
  const count = async () => (await database.db.selectFrom('teams').select('id').execute()).length;
  const before = await count();
  const together = startingTogether(auth, 8);
  const tried = await Promise.allSettled(
    Array.from({ length: 8 }, () => signUp('race@example.com', undefined, together)),
  );
  expect(tried.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  const reasons = tried.filter((one) => one.status === 'rejected').map((one) => one.reason);
  expect(reasons.map((reason) => reason instanceof Refusal && reason.code)).toEqual(Array(7).fill('email_taken'));
  expect(await count()).toBe(before + 1);
});

test.each(['Twin@Example.COM', '  twin@example.com ', 'ｔｗｉｎ@example.com', 'twin@ｅxample.com'])(
  'threat 15: an email has one owner however it is written: %s',
  async (email) => {
    await signUp('twin@example.com').catch((error) => expect(error.code).toBe('email_taken'));
    await expect(signUp(email)).rejects.toMatchObject({ code: 'email_taken' });
    await expect(signInWith(email, password)).resolves.toMatchObject({
      signedIn: { user: { email: 'twin@example.com' } },
    });
  },
);

test('threat 35: a wrong password and an unknown email get the same answer for the same work', async () => {
  await signUp('known@example.com');
  let turns = 0;
  const counting: Auth = {
    ...auth,
    passwords: {
      ...auth.passwords,
      gate: (work) => {
        turns += 1;
        return auth.passwords.gate(work);
      },
    },
  };
  const wrong = await signInWith('known@example.com', 'not the password', counting).catch((error) => error);
  expect(turns).toBe(1);
  const unknown = await signInWith('nobody@example.com', password, counting).catch((error) => error);
  expect(turns).toBe(2);
  expect(wrong).toMatchObject({ code: 'invalid_credentials' });
  expect({ code: unknown.code, message: unknown.message }).toEqual({ code: wrong.code, message: wrong.message });
  const row = database.db.selectFrom('users').select('password_hash').where('email', '=', 'known@example.com');
  const { password_hash: hash } = await row.executeTakeFirstOrThrow();
  expect(parseOptions(auth.passwords.nobodysHash)).toEqual(parseOptions(hash ?? ''));
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test('the hash of nobody lets nobody in, and a password is one in every Unicode spelling', async () => {
  await expect(signInWith('nobody@example.com', 'anything at all')).rejects.toMatchObject({
    code: 'invalid_credentials',
  });
  await register(auth, registerInput.parse({ email: 'cafe@example.com', password: 'Cafe\u0301 au lait' }), from);
  await expect(signInWith('cafe@example.com', 'Caf\u00e9 au lait')).resolves.toBeDefined();
  await expect(signInWith('cafe@example.com', 'Cafe au lait')).rejects.toMatchObject({ code: 'invalid_credentials' });
});

test('of a flood of logins as many are answered as may wait, the others refused at once, and then all is well', async () => {
  const hash = auth.passwords.nobodysHash;
  const flood = Array.from({ length: 130 }, () => verifyPassword(auth.passwords, hash, 'guess'));
  const settled = await Promise.allSettled(flood);
  const refused = settled.filter((one) => one.status === 'rejected');
  expect(refused).toHaveLength(130 - 102);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'unavailable' });
  await expect(signInWith('nobody@example.com', 'guess')).rejects.toMatchObject({ code: 'invalid_credentials' });
});

test('a new account is the admin of a team of its own, named for it; a taken slug gets a suffix', async () => {
  const one = await signUp('ada@example.com', 'Ada Lovelace');
  const other = await signUp('ada@example.org', 'Ada Lovelace');
  expect(one.signedIn.team).toMatchObject({ name: 'Ada Lovelace', slug: 'ada-lovelace' });
  expect(other.signedIn.team.slug).toMatch(/^ada-lovelace-[a-z0-9]{6}$/);
  const local = await signUp('grace.hopper@example.com');
  expect(local.signedIn).toMatchObject({ user: { name: 'grace.hopper' }, team: { slug: 'grace-hopper' } });
  const { principal } = await newcomer(auth, 'me@example.com');
  const answer = await me(auth, principal);
  expect(answer).toMatchObject({ user: { email: 'me@example.com' }, role: 'admin', tier: 'basic', signedInBy: 'jwt' });
  expect(answer.permissions).toContain('workflows:write');
});

test.each([
  ['Zoë d’Arc', 'zoe-d-arc'],
  ['--__--', 'team'],
  ['東京', 'team'],
  [`${'x'.repeat(39)}-yyy`, 'x'.repeat(39)],
])('the slug of %s is %s', (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});
