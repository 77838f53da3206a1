import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { pathsOf, serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';

test('what execute answers is the plain execution to whatever copies, compares or writes it', async () => {
  await using server = await serveApi();
  const execution = await createClient({ url: server.url }).workflows.execute({ id, wait: 0 });
  const plain = { id, status: 'running', output: false };
  expect(Object.keys(execution)).toEqual(Object.keys(plain));
  expect([{ ...execution }, structuredClone(execution), JSON.parse(JSON.stringify(execution))]).toEqual([
    plain,
    plain,
    plain,
  ]);
  expect(execution.wait).toBeTypeOf('function');
});

test('wait looks until the execution has ended, however it ended', async () => {
  await using server = await serveApi();
  const { wait } = await createClient({ url: server.url }).workflows.execute({ id, wait: 0 });
  expect(await wait()).toEqual({ id, status: 'failed' });
  expect(pathsOf(server.seen)).toEqual(['workflows.execute', 'executions.get', 'executions.get', 'executions.get']);
});

test('wait asks nothing when the execution had ended already', async () => {
  await using server = await serveApi();
  const execution = await createClient({ url: server.url }).workflows.execute({ id, wait: 1 });
  expect((await execution.wait()).status).toBe('completed');
  expect(server.seen).toHaveLength(1);
});

test('wait ends with its signal, between two looks too, and looks no more', async () => {
  const controller = new AbortController();
  await using server = await serveApi((turn) => {
    if (turn === 1) setTimeout(() => controller.abort(), 50);
    return undefined;
  });
  const execution = await createClient({ url: server.url }).workflows.execute({ id, wait: 0 });
  await expect(execution.wait({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  const looks = server.seen.length;
  await sleep(300);
  expect(server.seen).toHaveLength(looks);
});

test('cancel ends the execution', async () => {
  await using server = await serveApi();
  const execution = await createClient({ url: server.url }).workflows.execute({ id, wait: 0 });
  expect(await execution.cancel()).toEqual({ id, status: 'cancelled' });
});
