import { startServer } from '@flowplane/egress/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const data = dataDirectory();
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;
let server: Awaited<ReturnType<typeof startServer>>;
/** The second page comes only then. */
let more = Promise.withResolvers<void>();

beforeAll(async () => {
  server = await startServer(
    async (request, response) => {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page'));
      if (page === 2) await more.promise;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(page < 3 ? [page] : []));
    },
    { host: '127.0.0.1' },
  );
  instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: data.path,
    EGRESS_ALLOW_PRIVATE: '127.0.0.1',
  });
  await instance.ready();
  owner = await ownerOf(instance);
});

afterAll(async () => {
  more.resolve();
  instance.child.kill('SIGTERM');
  await instance.ended;
  await server[Symbol.asyncDispose]();
  await data[Symbol.asyncDispose]();
});

const pages = (settings: object = {}) => ({
  id: 'list',
  type: 'http.request',
  params: { url: `http://127.0.0.1:${server.port}/`, pagination: { mode: 'page' } },
  ...settings,
});

test('how far a step is can be seen live over REST, in its stream and by the SDK', async () => {
  const id = await owner.publish([pages()]);
  const { id: execution } = await owner.client.workflows.execute({ id });
  const url = `${instance.url}/api/v1/executions/${execution}`;
  const raw = await fetch(`${url}/events`, { headers: owner.bearer });
  const seen: unknown[] = [];
  for await (const { event, data: step } of owner.client.executions.events({ id: execution })) {
    if (event !== 'step' || step.progress === null) continue;
    seen.push([step.status, step.progress]);
    if (step.status !== 'running') continue;
    const { json } = await send(`${url}/steps`, { headers: owner.bearer });
    expect(json).toMatchObject({ items: [{ path: 'list', status: 'running', progress: { pages: 1, items: 1 } }] });
    more.resolve();
  }
  expect(seen[0]).toEqual(['running', { pages: 1, items: 1 }]);
  expect(seen.at(-1)).toEqual(['completed', { pages: 3, items: 2 }]);
  expect(await raw.text()).toContain('"progress":{"pages":1,"items":1}');
  const { items } = await owner.client.executions.steps({ id: execution });
  expect(items.map(({ progress }) => progress)).toEqual([{ pages: 3, items: 2 }]);
});

test('a page that does not come for heartbeatTimeoutMs fails the attempt, however many have come', async () => {
  more = Promise.withResolvers();
  const id = await owner.publish([pages({ heartbeatTimeoutMs: 500 })]);
  const ended = await owner.client.workflows.execute({ id, wait: 60 });
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'heartbeat_timeout', nodeId: 'list' } });
});
