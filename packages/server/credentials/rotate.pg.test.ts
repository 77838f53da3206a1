import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemOf, testApi } from '../test-api.ts';
import { rotateKeys } from './rotate.ts';
import { openVault } from './test-vault.ts';
import { startUpkeep } from './upkeep.ts';
import { useCredential } from './use.ts';
import type { Vault } from './vault.ts';

const secret = 'canary-3kQ9vT0m7bXc1nZs5dLw8rYp2';
const oldKey = 'a secret key of tests, long enough';
const newKey = 'another secret key, long enough too';
const url = 'https://a.test/';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
const told: string[] = [];
const onError = (error: unknown) => told.push(String(error));
beforeAll(async () => {
  api = await testApi({ vault: { onError } });
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

async function make(who = ann): Promise<string> {
  const values = { token: secret };
  return (await who.api.credentials.create({ name: 'b', kind: 'bearer', values, allowedHosts: ['a.test'] })).id;
}

function use(vault: Vault, id: string, teamId = ann.principal.teamId) {
  return useCredential(vault, { teamId, id, url });
}

function row(id: string) {
  const rows = api.database.db.selectFrom('credentials').selectAll().where('id', '=', id);
  return rows.executeTakeFirstOrThrow();
}

async function expectUnreadable(vault: Vault, id: string, reason: string): Promise<void> {
  told.length = 0;
  const error = await use(vault, id).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'Refusal', code: 'credential_unreadable' });
  expect(told.join()).toContain(reason);
  expect(told.join()).toContain(id);
  for (const text of [String(error), told.join()]) expect(text).not.toContain(secret);
}

test('the same values are sealed differently each time, and only for their own row', async () => {
  const [one, two] = [await row(await make()), await row(await make())];
  expect(one.sealed).not.toBe(two.sealed);
  expect(one.key_id).toMatch(/^[0-9a-f]{16}$/);
  expect(one.reference).toBeNull();
});

test('another master key opens nothing: the operator is told which it needs, the caller is refused', async () => {
  const id = await make();
  const before = await row(id);
  await using wrong = openVault(api.url, { secretKey: newKey, onError });
  await expectUnreadable(wrong, id, 'SECRET_KEY_PREVIOUS');
  expect(told.join()).toContain(before.key_id);
  expect(await row(id)).toEqual(before);
});

test.each([
  ['cut', (sealed: string) => sealed.slice(0, -4)],
  ['cut to nothing', () => ''],
  ['cut to less than a tag', (sealed: string) => sealed.slice(0, 20)],
  ['changed', (sealed: string) => `${sealed.slice(0, 60)}${sealed[60] === 'A' ? 'B' : 'A'}${sealed.slice(61)}`],
  ['nonsense', () => '💥 not base64'],
])('a row that was %s fails closed', async (_, damage) => {
  const id = await make();
  const { sealed } = await row(id);
  const damaged = damage(sealed ?? '');
  await api.database.db.updateTable('credentials').set({ sealed: damaged }).where('id', '=', id).execute();
  await expectUnreadable(api.vault, id, 'restore it or replace its values');
});

test('a row with the values of another row, team or kind fails closed', async () => {
  const bob = await api.member();
  const [id, other, foreign] = [await make(), await make(), await make(bob)];
  for (const from of [other, foreign]) {
    const { sealed } = await row(from);
    await api.database.db.updateTable('credentials').set({ sealed }).where('id', '=', id).execute();
    await expectUnreadable(api.vault, id, 'another row');
  }
  await api.database.db.updateTable('credentials').set({ kind: 'webhookSecret' }).where('id', '=', other).execute();
  await expectUnreadable(api.vault, other, 'another row');
  await api.database.db
    .updateTable('credentials')
    .set({ team_id: ann.principal.teamId })
    .where('id', '=', foreign)
    .execute();
  await expectUnreadable(api.vault, foreign, 'another row');
});

test('new values make an unreadable credential readable again', async () => {
  const id = await make();
  await api.database.db.updateTable('credentials').set({ sealed: 'AAAA' }).where('id', '=', id).execute();
  expect(await problemOf(ann.api.credentials.test({ id, url }))).toMatchObject({ status: 409 });
  await ann.api.credentials.update({ id, values: { token: secret } });
  expect((await use(api.vault, id)).headers.authorization).toContain(secret);
});

test('with the previous key everything can be read, and re-encrypting makes it unnecessary', async () => {
  await api.database.db.deleteFrom('credentials').execute();
  const ids = await Promise.all(Array.from({ length: 250 }, () => make()));
  const [first = ''] = ids;
  await using changing = openVault(api.url, { secretKey: newKey, previousSecretKey: oldKey, onError });
  await using changed = openVault(api.url, { secretKey: newKey, onError });
  expect((await use(changing, first)).headers.authorization).toContain(secret);
  const { updated_at, revision } = await row(first);

  // Two processes at once, while credentials are used and changed.
  const [one, two] = await Promise.all([
    rotateKeys(changing),
    rotateKeys(changing),
    Promise.all(ids.map((id) => use(changing, id))),
    ann.api.credentials.update({ id: first, name: 'Renamed meanwhile' }),
  ]);
  const rest = await rotateKeys(changing);
  expect(one.rotated + two.rotated + rest.rotated).toBe(250);
  expect(await rotateKeys(changing)).toEqual({ rotated: 0, unreadable: [] });
  for (const id of ids) expect((await use(changed, id)).headers.authorization).toContain(secret);
  expect(await row(first)).toMatchObject({ revision: revision + 1, key_id: changed.keys.currentId });
  expect((await row(first)).updated_at.getTime()).toBeGreaterThanOrEqual(updated_at.getTime());
});

test('what was written with the old key while keys are changed is re-encrypted by the next round', async () => {
  await using changing = openVault(api.url, { secretKey: newKey, previousSecretKey: oldKey, onError });
  await rotateKeys(changing);
  const id = await make();
  expect(await rotateKeys(changing)).toEqual({ rotated: 1, unreadable: [] });
  expect((await row(id)).key_id).toBe(changing.keys.currentId);
});

test('a row that another transaction holds is left to the next round', async () => {
  const id = await make();
  await using changing = openVault(api.url, { secretKey: newKey, previousSecretKey: oldKey, onError });
  await api.database.db.transaction().execute(async (tx) => {
    await tx.selectFrom('credentials').select('id').where('id', '=', id).forUpdate().execute();
    expect((await rotateKeys(changing)).rotated).toBe(0);
  });
  expect((await rotateKeys(changing)).rotated).toBe(1);
});

test('a row that no key opens stays as it is, is told of, and holds up no other', async () => {
  const [lost, fine] = [await make(), await make()];
  await api.database.db.updateTable('credentials').set({ sealed: 'AAAA' }).where('id', '=', lost).execute();
  const before = await row(lost);
  await using changing = openVault(api.url, { secretKey: newKey, previousSecretKey: oldKey, onError });
  told.length = 0;
  expect(await rotateKeys(changing)).toEqual({ rotated: 1, unreadable: [lost] });
  expect(told.join()).toContain(lost);
  expect(await row(lost)).toEqual(before);
  expect((await row(fine)).key_id).toBe(changing.keys.currentId);
});

test('upkeep re-encrypts by itself', async () => {
  const id = await make();
  await using changing = openVault(api.url, { secretKey: newKey, previousSecretKey: oldKey, onError });
  const rotated = await new Promise<number>((resolve) => {
    const stop = startUpkeep(changing, (rows) => void stop().then(() => resolve(rows)));
  });
  expect(rotated).toBe(1);
  expect((await row(id)).key_id).toBe(changing.keys.currentId);
});
