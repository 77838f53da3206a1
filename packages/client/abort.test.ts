import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const slow = 'fb671a64-40d5-491e-99b0-da01ff1f3341';

test('a call whose signal has aborted is not sent and rejects with AbortError', async () => {
  await using server = await serveApi();
  const call = createClient({ url: server.url }).auth.me(undefined, { signal: AbortSignal.abort() });
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  expect(server.seen).toHaveLength(0);
});

test('an aborted call rejects at once with AbortError while the rest of its batch goes on', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  const controller = new AbortController();
  const order: string[] = [];
  const aborted = client.workflows.get({ id: slow }, { signal: controller.signal }).catch((error: unknown) => {
    order.push('aborted');
    return error;
  });
  const kept = client.workflows.get({ id: slow }).then((workflow) => {
    order.push('answered');
    return workflow;
  });
  setTimeout(() => controller.abort(), 100);
  expect(await aborted).toMatchObject({ name: 'AbortError' });
  expect(await kept).toMatchObject({ id: slow });
  expect(order).toEqual(['aborted', 'answered']);
  expect(server.seen).toHaveLength(1);
});

test('when every call of a request is aborted the request ends, and the reason is the signal’s own', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  const started = performance.now();
  const call = client.workflows.execute({ id, wait: 10 }, { signal: AbortSignal.timeout(150) });
  await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
  await server.seen[0]?.closed;
  expect(server.seen).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(5_000);
});
