import { once } from 'node:events';
import { startProxy } from '@flowplane/engine/testing/proxy';
import { testRedis } from '@flowplane/engine/testing/redis';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { createThrottle, guess, Throttled } from '../auth/passwords/throttle.ts';
import { redisStore } from './redis-store.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

async function open(url: string) {
  const client = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 1_000 });
  client.on('error', () => {});
  await once(client, 'ready');
  return { throttle: createThrottle(redisStore(client)), [Symbol.dispose]: () => client.disconnect() };
}

const wrong = async () => false;

test.skipIf(!redis)('guesses at a password count together in processes that share a Redis', async () => {
  using one = await open(redis?.url ?? '');
  using two = await open(redis?.url ?? '');
  const who = { account: 'ann@example.com' };
  for (const { throttle } of [one, two, one, two, one, two]) expect(await guess(throttle, who, wrong)).toBe(false);
  await expect(guess(one.throttle, who, wrong)).rejects.toBeInstanceOf(Throttled);
  await expect(guess(two.throttle, who, wrong)).rejects.toBeInstanceOf(Throttled);
});

test.skipIf(!redis)('while Redis is away guesses are counted all the same', async () => {
  const url = new URL(redis?.url ?? '');
  await using proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  using one = await open(url.href);
  proxy.cut();
  const who = { account: 'bob@example.com' };
  for (let i = 0; i < 6; i += 1) expect(await guess(one.throttle, who, wrong)).toBe(false);
  await expect(guess(one.throttle, who, wrong)).rejects.toBeInstanceOf(Throttled);
});
