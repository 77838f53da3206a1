import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProxy } from '@flowplane/engine/testing/proxy';
import { spawnRedis, testRedis } from '@flowplane/engine/testing/redis';
import { Redis } from 'ioredis';
import { afterAll, expect, inject, test } from 'vitest';
import { countAddress } from './count-call.ts';
import { createLimiter } from './limiter.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

const address = '203.0.113.7';

/** A process of its own, as far as limits go. */
function startProcess(url: string, perMinute: number) {
  const client = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 1_000,
    retryStrategy: () => 100,
  });
  const errors: unknown[] = [];
  client.on('error', () => {});
  const onError = (error: unknown) => errors.push(error);
  const limiter = createLimiter({ anonymousPerMinute: perMinute, sharing: { redis: client, onError } });
  function isAllowed(ip = address): boolean {
    try {
      countAddress(limiter, ip, {});
      return true;
    } catch {
      return false;
    }
  }
  return {
    errors,
    client,
    isAllowed,
    allowed: (times: number) => Array.from({ length: times }, () => isAllowed()).filter(Boolean).length,
    ready: async () => {
      if (client.status !== 'ready') await once(client, 'ready');
    },
    [Symbol.dispose]: () => client.disconnect(),
  };
}

async function until(isSo: () => boolean, ms: number): Promise<number> {
  const since = performance.now();
  while (!isSo()) {
    if (performance.now() - since > ms) throw new Error(`not so within ${ms} ms`);
    await sleep(10);
  }
  return performance.now() - since;
}

test.skipIf(!redis)('threat 34: two processes on one Redis agree within a second', async () => {
  using one = startProcess(redis?.url ?? '', 50);
  using two = startProcess(redis?.url ?? '', 50);
  await Promise.all([one.ready(), two.ready()]);
  expect(one.allowed(30)).toBe(30);
  await sleep(200);
  // The first call of a process that knew nothing makes it ask.
  expect(two.isAllowed()).toBe(true);
  await sleep(500);
  expect(two.allowed(100)).toBe(19);
  await sleep(500);
  expect(one.isAllowed()).toBe(true);
  await sleep(500);
  expect(one.allowed(100)).toBe(0);
});

test.skipIf(!redis)(
  'two processes that are called all the time together allow hardly more than one would',
  async () => {
    using one = startProcess(redis?.url ?? '', 200);
    using two = startProcess(redis?.url ?? '', 200);
    await Promise.all([one.ready(), two.ready()]);
    let allowed = 0;
    const ip = '203.0.113.8';
    for (let i = 0; i < 300; i += 1) {
      for (const { isAllowed } of [one, two]) if (isAllowed(ip)) allowed += 1;
      await sleep(5);
    }
    // What arrives at the other process between two exchanges: about 20 calls in 100 ms, with room for a busy machine.
    expect(allowed).toBeGreaterThanOrEqual(200);
    expect(allowed).toBeLessThan(280);
  },
);

test.skipIf(!redis)(
  'while Redis is away each process holds the limits by itself, and afterwards they agree again',
  async () => {
    const url = new URL(redis?.url ?? '');
    await using proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    using one = startProcess(url.href, 40);
    using two = startProcess(url.href, 40);
    await Promise.all([one.ready(), two.ready()]);
    const ip = '203.0.113.9';
    proxy.cut();
    await until(() => one.client.status !== 'ready' && two.client.status !== 'ready', 5_000);
    const allowed = (process: typeof one, times: number) =>
      Array.from({ length: times }, () => process.isAllowed(ip)).filter(Boolean).length;
    expect(allowed(one, 15)).toBe(15);
    expect(allowed(two, 100)).toBe(40);
    await proxy.mend();
    await until(() => one.client.status === 'ready' && two.client.status === 'ready', 5_000);
    await sleep(700);
    expect(one.isAllowed(ip)).toBe(true);
    await sleep(500);
    expect(allowed(one, 100)).toBe(0);
  },
);

test.skipIf(!redis)('a Redis that hangs or is killed holds nothing up, and the limits hold', async ({ skip }) => {
  const spawned = await spawnRedis();
  if (!spawned) {
    if (inject('ci')) throw new Error('There is no redis-server on the PATH');
    return skip('there is no redis-server on the PATH');
  }
  const { port, child } = spawned;
  using one = startProcess(`redis://127.0.0.1:${port}`, 60);
  try {
    await one.ready();
    expect(one.allowed(20)).toBe(20);
    await sleep(300);
    child.kill('SIGSTOP');
    expect(one.allowed(20)).toBe(20);
    await until(() => one.errors.length > 0, 5_000);
  } finally {
    child.kill('SIGKILL');
  }
  await until(() => one.client.status !== 'ready', 5_000);
  expect(one.allowed(100)).toBe(20);
  expect(one.errors).toHaveLength(1);
});
