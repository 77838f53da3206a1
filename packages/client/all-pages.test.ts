import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';

test('every item of a list is given in order, with as few requests as can be', async () => {
  await using server = await serveApi();
  const ids: unknown[] = [];
  for await (const item of createClient({ url: server.url }).workflows.list.all()) ids.push(item.id);
  expect(ids).toEqual(Array.from({ length: 250 }, (_, index) => index));
  expect(server.seen).toHaveLength(3);
});

test('a page is asked for only when it is needed, and none after a break', async () => {
  await using server = await serveApi();
  const all = createClient({ url: server.url }).executions.steps.all({ id, limit: 10 });
  expect(server.seen).toHaveLength(0);
  let taken = 0;
  for await (const _ of all) if (++taken === 15) break;
  expect(server.seen).toHaveLength(2);
  for await (const item of all) {
    expect(item).toEqual({ id: 0 });
    break;
  }
  expect(server.seen).toHaveLength(3);
});

test('it begins at the cursor that is given, and ends with the signal or with what a page rejects with', async () => {
  await using server = await serveApi((turn) =>
    turn > 1 ? (_, response) => response.writeHead(404).end() : undefined,
  );
  const client = createClient({ url: server.url });
  const controller = new AbortController();
  const seen: unknown[] = [];
  const loop = async () => {
    for await (const item of client.workflows.list.all({ cursor: '120' }, { signal: controller.signal })) {
      seen.push(item.id);
      controller.abort();
    }
  };
  await expect(loop()).rejects.toMatchObject({ name: 'AbortError' });
  expect([seen[0], seen.length, server.seen.length]).toEqual([120, 100, 1]);
  const next = client.workflows.list.all({ limit: 10 })[Symbol.asyncIterator]();
  for (let n = 0; n < 10; n++) await next.next();
  await expect(next.next()).rejects.toMatchObject({ status: 404, code: 'bad_response' });
});
