import { testDatabase } from '@flowplane/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const data = dataDirectory();
let stored: Awaited<ReturnType<typeof testDatabase>>;
/** Runs nothing, so that whatever is started waits. */
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;
let workflow: string;
let waiting: string[];

beforeAll(async () => {
  stored = await testDatabase();
  instance = startInstance({
    ROLE: 'api',
    API_PORT: String(await freePort()),
    DATA_DIR: data.path,
    DATABASE_URL: stored.url,
    SECRET_KEY: 'a secret key of the tests, long enough',
    QUEUE_LIMIT_PER_TEAM: '2',
  });
  await instance.ready();
  owner = await ownerOf(instance);
  workflow = await owner.publish([{ id: 'a', type: 'transform', params: { value: 1 } }], {
    triggers: [
      { id: 'now', type: 'webhook', path: 'now', respond: 'immediate' },
      { id: 'later', type: 'webhook', path: 'later', respond: 'result' },
    ],
  });
  const started = [
    await owner.client.workflows.execute({ id: workflow }),
    await owner.client.workflows.execute({ id: workflow }),
  ];
  waiting = started.map(({ id }) => id);
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
  await stored[Symbol.asyncDispose]();
});

const calls: [string, () => Promise<Awaited<ReturnType<typeof send>>>][] = [
  ['REST', () => send(`${instance.url}/api/v1/workflows/${workflow}/execute`, { headers: owner.bearer, body: {} })],
  [
    'tRPC',
    () => send(`${instance.url}/trpc/workflows.execute`, { headers: owner.bearer, body: { json: { id: workflow } } }),
  ],
  ['a webhook that answers at once', () => send(`${instance.url}/hooks/${owner.slug}/now`, { body: {} })],
  ['a webhook that answers with the result', () => send(`${instance.url}/hooks/${owner.slug}/later`, { body: {} })],
];

test.each(calls)('past the bound on what may wait, a start over %s is told when to come back', async (_, call) => {
  const { status, headers, text } = await call();
  expect([status, headers.get('retry-after')]).toEqual([429, '5']);
  expect(text).toContain('"code":"queue_full"');
  expect(text).toContain('Your team has 2 executions waiting to be run already: try again in 5 seconds.');
  expect((await owner.client.executions.list({ workflowId: workflow })).items).toHaveLength(2);
});

test('the SDK comes back by itself, and starts one execution once there is room', async () => {
  const coming = owner.client.workflows.execute({ id: workflow, input: 'again' });
  await owner.client.executions.cancel({ id: waiting[0] ?? '' });
  expect(await coming).toMatchObject({ status: 'pending', input: 'again' });
  const { items } = await owner.client.executions.list({ workflowId: workflow, status: 'pending' });
  expect(items).toHaveLength(2);
});
