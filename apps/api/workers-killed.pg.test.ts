import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { testDatabase } from '@flowplane/db/testing';
import { testRedis } from '@flowplane/engine/testing/redis';
import { startSqs } from '@flowplane/engine/testing/sqs';
import { afterAll, expect, test } from 'vitest';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const executions = 100;
const slots = 20;

const redis = await testRedis();
const sqs = await startSqs();
afterAll(async () => {
  await redis?.[Symbol.asyncDispose]();
  await sqs[Symbol.asyncDispose]();
});

/** Something outside that takes half a second; `calls` are the keys that it was called with. */
async function startOutside() {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(String(request.headers['idempotency-key']));
    void sleep(500).then(() => response.end('{"done":true}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    calls,
    url: `http://127.0.0.1:${address.port}/`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** One process that serves and two that work, on an empty database; killed in the end. */
async function startCluster(queue: Record<string, string>) {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase());
  const data = stack.use(dataDirectory());
  const settings = {
    DATA_DIR: data.path,
    DATABASE_URL: database.url,
    SECRET_KEY: 'a secret key of the tests, long enough',
    EGRESS_ALLOW_PRIVATE: '127.0.0.1',
    EXECUTION_SLOTS: String(slots),
    ...queue,
  };
  async function start(ROLE: string): Promise<Instance> {
    const instance = startInstance({ ...settings, ROLE, API_PORT: String(await freePort()) });
    stack.defer(async () => {
      instance.child.kill('SIGKILL');
      await instance.ended;
    });
    return instance;
  }
  const api = await start('api');
  await api.ready();
  const workers = [await start('worker'), await start('worker')];
  for (const worker of workers) {
    await expect.poll(() => worker.output(), { timeout: 60_000 }).toContain('Flowplane works');
  }
  return { api, workers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const queues: [string, Record<string, string>][] = [
  ['PostgreSQL', {}],
  [
    'SQS',
    {
      WORKFLOW_QUEUE_URL: `http://127.0.0.1:${sqs.port}${sqs.path}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  ],
];
if (redis) queues.push(['Redis', { REDIS_URL: redis.url }]);

test.each(queues)(
  'with %s as the queue, executions that one process accepts are completed by others, of which one is killed',
  async (_, queue) => {
    await using outside = await startOutside();
    await using cluster = await startCluster(queue);
    const { client, publish, bearer } = await ownerOf(cluster.api);
    const id = await publish([
      { id: 'call', type: 'http.request', params: { method: 'POST', url: outside.url } },
      { id: 'after', type: 'transform', params: { value: '{{ input.n * 2 }}' } },
    ]);
    const accepted = await Promise.all(
      Array.from({ length: executions }, (_, n) =>
        send(`${cluster.api.url}/api/v1/workflows/${id}/execute`, { headers: bearer, body: { input: { n } } }),
      ),
    );
    expect(new Set(accepted.map(({ status }) => status))).toEqual(new Set([202]));

    await expect.poll(() => outside.calls.length, { timeout: 20_000, interval: 10 }).toBeGreaterThan(slots);
    const [doomed] = cluster.workers;
    doomed?.child.kill('SIGKILL');
    const killed = performance.now();
    const states = async () => (await client.executions.list({ workflowId: id, limit: 100 })).items;
    await expect
      .poll(async () => (await states()).filter(({ status }) => status === 'completed').length, {
        timeout: 20_000,
        interval: 200,
      })
      .toBe(executions);
    console.log(
      `all completed ${Math.round(performance.now() - killed)} ms after the kill; ${outside.calls.length} calls`,
    );

    // Each call is made with a key of its own; what the kill interrupted is called again with the same.
    expect(new Set(outside.calls).size).toBe(executions);
    const outputs: unknown[] = [];
    for (const { id: execution } of await states()) {
      const { items } = await client.executions.steps({ id: execution });
      expect(items.map(({ path, status }) => `${path} ${status}`)).toEqual(['call completed', 'after completed']);
      outputs.push(items[1]?.output);
    }
    expect(outputs.map(Number).sort((one, other) => one - other)).toEqual(
      Array.from({ length: executions }, (_, n) => n * 2),
    );
    for (const { stderr } of [cluster.api, ...cluster.workers]) expect(stderr()).toBe('');
  },
  180_000,
);
