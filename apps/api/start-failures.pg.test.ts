import { createServer } from 'node:net';
import { createClient } from '@flowplane/client';
import { openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { expect, test } from 'vitest';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, startInstance } from './test-process.ts';

async function failed(settings: Record<string, string>): Promise<Instance> {
  const instance = startInstance({ API_PORT: String(await freePort()), ...settings });
  const code = await instance.ended;
  expect(code, instance.output()).toBe(1);
  return instance;
}

test('wrong settings end the start with one line for each, without secrets', async () => {
  const { stderr } = await failed({ API_PORT: '80000', ENVIRONMENT: 'prod', SECRET_KEY: 'hunter22' });
  expect(stderr().split('\n')).toEqual([
    'Flowplane cannot start with these settings:',
    '  ENVIRONMENT is "prod", but must be development or production',
    '  API_PORT is "80000", but must be a whole number from 1 to 65535',
    '  SECRET_KEY is 8 characters, but must be at least 32 characters, e.g. from: openssl rand -base64 48',
    '',
  ]);
});

test.each([
  ['a port where nothing listens', 'postgresql://me:hunter22@127.0.0.1:1/flowplane', 'ECONNREFUSED'],
  ['two addresses where nothing listens', 'postgresql://me:hunter22@localhost:1/flowplane', 'ECONNREFUSED'],
  ['a host that is not there', 'postgresql://me:hunter22@nowhere.invalid/flowplane', 'nowhere.invalid'],
])('DATABASE_URL to %s: one clear message without the password', async (_, url, reason) => {
  const instance = await failed({ DATABASE_URL: url });
  const [message = '', ...more] = instance.stderr().trim().split('\n');
  expect(more).toEqual([]);
  expect(message).toContain('The PostgreSQL of DATABASE_URL (');
  expect(message).toContain(reason);
  expect(message).toContain('correct DATABASE_URL');
  expect(instance.output()).not.toMatch(/hunter22|main\.ts:|"stack"/);
});

test('DATABASE_URL to a database that does not exist says so', async () => {
  await using database = await testDatabase();
  const url = new URL(database.url);
  url.pathname = '/nothing_here';
  expect((await failed({ DATABASE_URL: url.href })).stderr()).toContain('database "nothing_here" does not exist');
});

test('a port in use: one clear message, and a generated password is still told, for it is stored', async () => {
  await using database = await testDatabase();
  await using dataDir = dataDirectory();
  const port = await freePort();
  const other = createServer().listen(port, '0.0.0.0');
  const settings = { API_PORT: String(port), DATABASE_URL: database.url, DATA_DIR: dataDir.path, OWNER_PASSWORD: '' };
  const instance = await failed(settings);
  other.close();
  expect(instance.stderr().trim()).toBe(
    `Another program listens on port ${port} already. Stop it, or set API_PORT to another port.`,
  );
  expect(instance.output()).not.toContain('"stack"');
  const [, password = ''] = /Sign in as owner@example\.com with the password (\S+)/.exec(instance.output()) ?? [];

  const again = startInstance(settings);
  await again.ready();
  const signedIn = await createClient({ url: again.url }).auth.login({ email: 'owner@example.com', password });
  expect(signedIn.user.email).toBe('owner@example.com');
  again.child.kill('SIGTERM');
  expect(await again.ended).toBe(0);
}, 30_000);

test('an address that this machine has not is told by the name of its setting', async () => {
  await using database = await testDatabase();
  await using dataDir = dataDirectory();
  const instance = await failed({ DATABASE_URL: database.url, DATA_DIR: dataDir.path, API_HOST: '203.0.113.1' });
  expect(instance.stderr().trim()).toBe(
    'API_HOST is 203.0.113.1, which is not an address of this machine. Try 0.0.0.0 for all.',
  );
});

test('several processes that start at once on an empty database make one owner and share the work', async () => {
  await using database = await testDatabase();
  await using dataDir = dataDirectory();
  const shared = {
    DATABASE_URL: database.url,
    DATA_DIR: dataDir.path,
    SECRET_KEY: 'one key for all of them, long enough',
  };
  const [api, worker] = await Promise.all(
    ['api', 'worker'].map(async (ROLE) => startInstance({ API_PORT: String(await freePort()), ROLE, ...shared })),
  );
  if (!api || !worker) throw new Error('two were started');
  try {
    await api.ready();
    await expect.poll(() => worker.output(), { timeout: 20_000 }).toContain('Flowplane works');
    const owner = await ownerOf(api);
    const id = await owner.publish([{ id: 'a', type: 'transform', params: { value: '{{ input + 1 }}' } }]);
    expect((await owner.client.workflows.execute({ id, input: 1, wait: 20 })).output).toBe(2);
    const { db, close } = openDatabase(database.url);
    expect(await db.selectFrom('users').select('is_owner').execute()).toEqual([{ is_owner: true }]);
    await close();
  } finally {
    for (const { child } of [api, worker]) child.kill('SIGTERM');
  }
  expect(await Promise.all([api.ended, worker.ended])).toEqual([0, 0]);
}, 40_000);
