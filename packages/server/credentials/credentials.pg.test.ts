import type { credentialCreateInput } from '@flowplane/contract/credential';
import { limits } from '@flowplane/contract/limits';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import { appRouter } from '../api.ts';
import { problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const token = 'canary-3kQ9vT0m7bXc1nZs5dLw8rYp2';

function bearer(more: object = {}) {
  return {
    name: 'Shop',
    kind: 'bearer' as const,
    values: { token },
    allowedHosts: ['api.shop.example'],
    ...more,
  };
}

test('a credential is answered without its values', async () => {
  const made = await ann.api.credentials.create(bearer({ allowedHosts: ['API.Shop.example.', '*.shop.example'] }));
  expect(made).toEqual({
    id: made.id,
    name: 'Shop',
    kind: 'bearer',
    allowedHosts: ['api.shop.example', '*.shop.example'],
    fields: ['token'],
    revision: 1,
    createdAt: made.createdAt,
    updatedAt: made.updatedAt,
    lastUsedAt: null,
  });
  expect(await ann.api.credentials.get({ id: made.id })).toEqual(made);
});

const kinds: z.input<typeof credentialCreateInput>[] = [
  bearer(),
  { name: 'k', kind: 'basic', values: { username: 'ada', password: token }, allowedHosts: ['a.test'] },
  { name: 'k', kind: 'header', values: { name: 'X-Key', value: token }, allowedHosts: ['a.test'] },
  { name: 'k', kind: 'query', values: { name: 'key', value: token }, allowedHosts: ['a.test'] },
  {
    name: 'k',
    kind: 'oauth2ClientCredentials',
    values: { tokenUrl: 'https://a.test/token', clientId: 'c', clientSecret: token },
    allowedHosts: ['a.test'],
  },
  { name: 'k', kind: 'webhookSecret', values: { secret: token } },
];

test.each(kinds)('a $kind credential is kept with its fields', async (input) => {
  const made = await ann.api.credentials.create(input);
  expect(made).toMatchObject({ kind: input.kind, fields: Object.keys(input.values) });
});

test('credentials are listed newest first, page by page', async () => {
  const bob = await api.member();
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.unshift((await bob.api.credentials.create(bearer({ name: `${n}` }))).id);
  const first = await bob.api.credentials.list({ limit: 2 });
  expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  const rest = await bob.api.credentials.list({ limit: 2, cursor: first.nextCursor ?? '' });
  expect(rest).toMatchObject({ items: [{ id: ids[2] }], nextCursor: null });
});

test.each([
  ['a kind that there is not', { kind: 'telepathy' }, 'kind'],
  ['no values', { values: {} }, 'values.token'],
  ['a value that there is not', { values: { token, other: 'x' } }, 'values'],
  ['a line break in a token', { values: { token: `${token}\r\nx: y` } }, 'values.token'],
  ['a value that is no text', { values: { token: { $ne: '' } } }, 'values.token'],
  ['a host that is none', { allowedHosts: ['https://a.test/'] }, 'allowedHosts[0]'],
  ['no hosts', { allowedHosts: [] }, 'allowedHosts'],
  ['hosts of what is not sent', { kind: 'webhookSecret', values: { secret: token } }, 'allowedHosts'],
  ['a user name with a colon', { kind: 'basic', values: { username: 'a:b', password: 'x' } }, 'values.username'],
  ['a header that is none', { kind: 'header', values: { name: 'a b', value: 'x' } }, 'values.name'],
  [
    'a token endpoint elsewhere',
    {
      kind: 'oauth2ClientCredentials',
      values: { tokenUrl: 'https://evil.test/', clientId: 'c', clientSecret: token },
    },
    'allowedHosts',
  ],
  ['a secret of the server', { values: { token: 'env:SECRET_KEY' } }, 'values.token'],
  ['a secret in AWS', { values: { token: 'aws-sm:arn:aws:secretsmanager:a:1:secret:b' } }, 'values.token'],
])('%s is refused by field', async (_, more, path) => {
  const problem = await problemOf(ann.api.credentials.create(bearer(more)));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_input', errors: [{ path }] });
  expect(JSON.stringify(problem)).not.toContain(token);
});

test('a change replaces what is given and raises the revision, and nothing changes nothing', async () => {
  const made = await ann.api.credentials.create(bearer());
  const { id } = made;
  const renamed = await ann.api.credentials.update({ id, name: 'Renamed', revision: 1 });
  expect(renamed).toMatchObject({ name: 'Renamed', revision: 2, fields: ['token'] });
  expect(await ann.api.credentials.update({ id, name: 'Renamed' })).toEqual(renamed);
  expect(await ann.api.credentials.replace(renamed)).toEqual(renamed);
  const replaced = await ann.api.credentials.update({ id, values: { token: 'another-secret' } });
  expect(replaced.revision).toBe(3);
  expect(await problemOf(ann.api.credentials.update({ id, name: 'Late', revision: 1 }))).toMatchObject({ status: 412 });
  expect(await problemOf(ann.api.credentials.delete({ id, revision: 1 }))).toMatchObject({ status: 412 });
});

test('values are replaced as a whole, in the form of their kind', async () => {
  const made = await ann.api.credentials.create({
    name: 'k',
    kind: 'basic',
    values: { username: 'ada', password: token },
    allowedHosts: ['a.test'],
  });
  const unfit: Record<string, string>[] = [{ password: 'x' }, { token }, {}];
  for (const values of unfit) {
    const problem = await problemOf(ann.api.credentials.update({ id: made.id, values }));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_input' });
    expect(problem.errors?.[0]?.path).toMatch(/^values/);
  }
  expect(await problemOf(ann.api.credentials.replace({ ...made, kind: 'bearer' }))).toMatchObject({
    errors: [{ path: 'kind' }],
  });
  expect(await ann.api.credentials.get({ id: made.id })).toEqual(made);
});

test('threat 24: who does not give the values again cannot add a host that they are sent to', async () => {
  const { id } = await ann.api.credentials.create(bearer({ allowedHosts: ['*.shop.example', 'old.example'] }));
  for (const allowedHosts of [['evil.test'], ['*.shop.example', 'evil.test'], ['shop.example']]) {
    const problem = await problemOf(ann.api.credentials.update({ id, allowedHosts }));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: 'values' }] });
  }
  const fewer = await ann.api.credentials.update({ id, allowedHosts: ['api.shop.example'] });
  expect(fewer.allowedHosts).toEqual(['api.shop.example']);
  const moved = await ann.api.credentials.update({ id, allowedHosts: ['new.example'], values: { token } });
  expect(moved.allowedHosts).toEqual(['new.example']);
  expect(await problemOf(ann.api.credentials.update({ id, allowedHosts: [] }))).toMatchObject({ status: 400 });
});

test('a deleted credential is gone', async () => {
  const { id } = await ann.api.credentials.create(bearer());
  await ann.api.credentials.delete({ id });
  expect(await problemOf(ann.api.credentials.get({ id }))).toMatchObject({ status: 404 });
  expect(await api.vault.database.db.selectFrom('credentials').where('id', '=', id).select('id').execute()).toEqual([]);
});

test('a repeated create with the same key makes one credential', async () => {
  const bob = await api.member();
  const ctx = () => {
    const own = bob.as(bob.principal);
    return { ...own, request: { ...own.request, idempotencyKey: 'once' } };
  };
  const first = await appRouter.createCaller(ctx()).credentials.create(bearer());
  const second = await appRouter.createCaller(ctx()).credentials.create(bearer());
  expect(second).toEqual(first);
  expect((await bob.api.credentials.list({})).items).toHaveLength(1);
});

test('a team has so many credentials and no more, also when they are made at once', async () => {
  const bob = await api.member();
  const room = 2;
  const { id } = await bob.api.credentials.create(bearer());
  const { db } = api.database;
  const row = await db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const more = Array.from({ length: limits.credentials - room - 1 }, () => ({ ...row, id: newId() }));
  await db.insertInto('credentials').values(more).execute();
  const made = await Promise.allSettled(Array.from({ length: room * 2 }, () => bob.api.credentials.create(bearer())));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(room);
  expect(await problemOf(bob.api.credentials.create(bearer()))).toMatchObject({ code: 'quota_reached', status: 409 });
  await bob.api.credentials.delete({ id });
  await bob.api.credentials.create(bearer());
  await ann.api.credentials.create(bearer());
});
