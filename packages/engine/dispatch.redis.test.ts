import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { createDispatch } from './dispatch.ts';
import { exchange } from './testing-dispatch.ts';
import { eventually } from './testing-engine.ts';
import { startProxy } from './testing-proxy.ts';
import { testRedis } from './testing-redis.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

/** A client as `apps/api` makes it: BullMQ wants commands to wait for a connection rather than to fail. */
function connectTo(url: string): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: null });
  client.on('error', () => {});
  return client;
}

test.skipIf(!redis)(
  'what one process sends, another looks at, so many at once; what failed there is not kept',
  async () => {
    const clients = [connectTo(redis?.url ?? ''), connectTo(redis?.url ?? '')] as const;
    const open = (client: Redis) => createDispatch({ store: { redis: client }, onError: () => {} });
    await exchange(await open(clients[0]), await open(clients[1]));
    // Closing a dispatch leaves the connection to whoever made it.
    expect(await clients[0].ping()).toBe('PONG');
    expect(await clients[1].ping()).toBe('PONG');
    for (const client of clients) client.disconnect();
  },
);

test.skipIf(!redis)(
  'while Redis is away the worker does not spin, and work goes on by itself afterwards',
  async () => {
    const url = new URL(redis?.url ?? '');
    await using proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    const client = connectTo(url.href);
    let errors = 0;
    const dispatch = await createDispatch({
      store: { redis: client },
      onError: () => {
        errors += 1;
      },
    });
    const seen: string[] = [];
    dispatch.consume(async (id) => void seen.push(id), 4);
    await dispatch.send(['before']);
    await eventually(() => seen.includes('before'));
    errors = 0;
    proxy.cut();
    await sleep(2_000);
    expect(errors).toBeLessThan(100);
    await proxy.mend();
    await dispatch.send(['after']);
    await eventually(() => seen.includes('after'), 15_000);
    await dispatch.close();
    client.disconnect();
  },
  40_000,
);
