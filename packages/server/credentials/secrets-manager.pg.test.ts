import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { problemOf, testApi } from '../test-api.ts';
import { createCredential } from './credentials.ts';
import { removeSecrets } from './removals.ts';
import { createSecretsManager } from './secrets-manager.ts';
import { startSecretsManager } from './test-secrets-manager.ts';
import { openVault } from './test-vault.ts';
import { updateCredential } from './update.ts';
import { useCredential } from './use.ts';

const secret = 'canary-3kQ9vT0m7bXc1nZs5dLw8rYp2';
const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf';
const url = 'https://a.test/';

let aws: Awaited<ReturnType<typeof startSecretsManager>>;
let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
const told: string[] = [];

function options() {
  return {
    keepsIn: 'secretsManager',
    secretsManager: createSecretsManager({ region: 'us-east-1', endpoint: aws.endpoint }),
    references: [`aws-sm:${arn}@a.test`],
    onError: (error: unknown) => told.push(String(error)),
  } as const;
}

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of no account');
  aws = await startSecretsManager();
  api = await testApi({ vault: options() });
  ann = await api.member();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});
beforeEach(() => {
  aws.set('up');
  told.length = 0;
});

function make(who = ann) {
  return who.api.credentials.create({
    name: 'b',
    kind: 'bearer',
    values: { token: secret },
    allowedHosts: ['a.test'],
  });
}

async function use(id: string, vault = api.vault) {
  return (await useCredential(vault, { teamId: ann.principal.teamId, id, url })).headers.authorization;
}

function rows(db = api.database.db) {
  return db.selectFrom('credentials').select(['id', 'reference', 'sealed']).execute();
}

/** As if the time that a secret without a row is given had passed. */
async function later(): Promise<void> {
  await api.database.db.updateTable('secret_removals').set({ due_at: sql<Date>`now()` }).execute();
}

/** Every secret has a row, every row its secret. */
async function expectInStep(): Promise<void> {
  await later();
  await removeSecrets(api.vault);
  expect([...aws.secrets.keys()].sort()).toEqual((await rows()).map(({ reference }) => reference).sort());
  expect(await api.database.db.selectFrom('secret_removals').selectAll().execute()).toEqual([]);
}

test('values are in AWS, the row has only a reference', async () => {
  const { id } = await make();
  const [row] = (await rows()).filter((each) => each.id === id);
  expect(row).toMatchObject({ sealed: null, reference: expect.stringContaining(`/${id}/`) });
  expect(aws.secrets.get(row?.reference ?? '')).toContain(secret);
  expect(await use(id)).toBe(`Bearer ${secret}`);
  await expectInStep();
});

test('what was read is remembered for a while, so that AWS is not asked for each request', async () => {
  const { id } = await make();
  await use(id);
  const { length } = aws.server.requests;
  aws.set('broken');
  expect(await use(id)).toBe(`Bearer ${secret}`);
  expect(aws.server.requests).toHaveLength(length);
});

test('new values are a new secret, and the old one goes', async () => {
  const { id } = await make();
  expect(await use(id)).toBe(`Bearer ${secret}`);
  await ann.api.credentials.update({ id, values: { token: 'the-next-one' } });
  expect(await use(id)).toBe('Bearer the-next-one');
  await expectInStep();
});

test('deleting a credential, or its team with everything in it, removes the secret', async () => {
  const { id } = await make();
  const bob = await api.member();
  await make(bob);
  await ann.api.credentials.delete({ id });
  await api.database.db.deleteFrom('teams').where('id', '=', bob.principal.teamId).execute();
  const before = aws.secrets.size;
  await expectInStep();
  expect(aws.secrets.size).toBe(before - 2);
});

test.each(['broken', 'failing'] as const)(
  'while AWS is %s a create is refused as unavailable and leaves nothing',
  async (mode) => {
    const before = await rows();
    aws.set(mode);
    const problem = await problemOf(make());
    expect(problem).toMatchObject({ status: 503, code: 'unavailable' });
    expect(told.join()).toContain('AWS Secrets Manager could not keep a secret');
    for (const text of [JSON.stringify(problem), told.join()]) expect(text).not.toContain(secret);
    expect(await rows()).toEqual(before);
    aws.set('up');
    await expectInStep();
  },
);

test('a secret that AWS made without our hearing of it is removed', async () => {
  const before = aws.secrets.size;
  aws.set('losing answers');
  expect(await problemOf(make())).toMatchObject({ code: 'unavailable' });
  expect(aws.secrets.size).toBe(before + 1);
  aws.set('up');
  await expectInStep();
});

test('a row that cannot be written leaves no secret', async () => {
  const before = await rows();
  await sql`alter table credentials add constraint refused check (name <> 'refused')`.execute(api.database.db);
  const refused = ann.api.credentials.create({
    name: 'refused',
    kind: 'bearer',
    values: { token: secret },
    allowedHosts: ['a.test'],
  });
  expect(await problemOf(refused)).toMatchObject({ status: 500, code: 'internal' });
  await sql`alter table credentials drop constraint refused`.execute(api.database.db);
  expect(aws.secrets.size).toBe(before.length + 1);
  expect(await rows()).toEqual(before);
  await expectInStep();
});

test('a change that is refused late leaves the old secret and no other', async () => {
  const { id } = await make();
  await ann.api.credentials.update({ id, name: 'Renamed' });
  const late = ann.api.credentials.update({ id, revision: 1, values: { token: 'too-late' } });
  expect(await problemOf(late)).toMatchObject({ status: 412 });
  expect(await use(id)).toBe(`Bearer ${secret}`);
  await expectInStep();
});

test('a secret that was given up meanwhile is not referred to', async () => {
  const { id } = await make();
  await using slow = openVault(api.url, options());
  const create = slow.secretsManager.create;
  slow.secretsManager.create = async (name, text) => {
    await create(name, text);
    await later();
    await removeSecrets(api.vault);
  };
  const scope = { db: api.database.db, teamId: ann.principal.teamId, vault: slow };
  await expect(updateCredential(scope, { id, values: { token: 'x' } })).rejects.toMatchObject({ code: 'unavailable' });
  expect(await use(id)).toBe(`Bearer ${secret}`);
  await expectInStep();
});

test('removing waits until AWS is back', async () => {
  const { id } = await make();
  await ann.api.credentials.delete({ id });
  aws.set('broken');
  await expect(removeSecrets(api.vault)).rejects.toThrow('could not remove a secret');
  aws.set('up');
  await expectInStep();
});

test('a secret of another row, or one that is gone, is not used', async () => {
  const [one, two] = [await make(), await make()];
  const references = new Map((await rows()).map(({ id, reference }) => [id, reference ?? '']));
  aws.secrets.set(references.get(one.id) ?? '', aws.secrets.get(references.get(two.id) ?? '') ?? '');
  await expect(use(one.id)).rejects.toMatchObject({ code: 'credential_unreadable' });
  expect(told.join()).toContain('another row');
  aws.secrets.delete(references.get(two.id) ?? '');
  await expect(use(two.id)).rejects.toMatchObject({ code: 'credential_unreadable' });
  await ann.api.credentials.delete({ id: one.id });
  await ann.api.credentials.delete({ id: two.id });
  await expectInStep();
});

test('while AWS is away a credential that is not remembered is unavailable', async () => {
  const { id } = await make();
  await using other = openVault(api.url, options());
  aws.set('broken');
  await expect(use(id, other)).rejects.toMatchObject({ code: 'unavailable' });
});

test('what the other backend keeps can be read after a switch, both ways', async () => {
  const { id } = await make();
  await using switched = openVault(api.url, { ...options(), keepsIn: 'database' });
  expect(await use(id, switched)).toBe(`Bearer ${secret}`);
  const scope = { db: api.database.db, teamId: ann.principal.teamId, vault: switched };
  await updateCredential(scope, { id, values: { token: 'in-the-database' } });
  expect(await use(id)).toBe('Bearer in-the-database');
  await ann.api.credentials.delete({ id });
  await expectInStep();
});

test('a value may name a secret of AWS that the operator lets be sent to the host', async () => {
  await using other = openVault(api.url, { ...options(), keepsIn: 'database' });
  const scope = { db: api.database.db, teamId: ann.principal.teamId, vault: other };
  const input = {
    name: 'named',
    kind: 'bearer' as const,
    values: { token: `aws-sm:${arn}` },
    allowedHosts: ['a.test'],
  };
  const { id } = await createCredential(scope, input);
  await expect(use(id, other)).rejects.toMatchObject({ code: 'credential_unreadable' });
  aws.secrets.set(arn, 'kept by the operator');
  await expect(use(id, other)).rejects.toMatchObject({ code: 'credential_unreadable' });
  await using fresh = openVault(api.url, options());
  aws.secrets.set(arn, 'kept-by-the-operator');
  expect(await use(id, fresh)).toBe('Bearer kept-by-the-operator');
  const elsewhere = createCredential(scope, { ...input, allowedHosts: ['b.test'] });
  await expect(elsewhere).rejects.toMatchObject({ code: 'invalid_input' });
});
