import { setTimeout as sleep } from 'node:timers/promises';
import { testDatabase } from '@flowplane/db/testing';
import { testRedis } from '@flowplane/engine/testing/redis';
import { afterAll, expect, test } from 'vitest';
import { dataDirectory, freePort, send, startInstance } from './test-process.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

test.skipIf(!redis)(
  'threat 34: two instances on one Redis agree on the limits within a second',
  async () => {
    await using stored = await testDatabase();
    await using dataDir = dataDirectory();
    const start = async () => {
      const instance = startInstance({
        API_PORT: String(await freePort()),
        DATA_DIR: dataDir.path,
        DATABASE_URL: stored.url,
        REDIS_URL: redis?.url ?? '',
        RATE_LIMIT_PER_MINUTE: '30',
        TRUSTED_PROXIES: '127.0.0.0/8,::1',
      });
      await instance.ready();
      return instance;
    };
    const one = await start();
    const two = await start();
    const ask = async ({ url }: typeof one) =>
      (await send(`${url}/api/v1/users/me`, { headers: { 'x-forwarded-for': '198.51.100.1' } })).status;
    const allowed = async (instance: typeof one, times: number) => {
      const statuses = await Promise.all(Array.from({ length: times }, () => ask(instance)));
      return statuses.filter((status) => status === 401).length;
    };
    try {
      expect(await allowed(one, 20)).toBe(20);
      await sleep(500);
      expect(await ask(two)).toBe(401);
      await sleep(1_000);
      expect(await allowed(two, 30)).toBe(9);
      await sleep(500);
      // Told that the limit is used up by the exchange that this call makes.
      await ask(one);
      await sleep(500);
      expect(await allowed(one, 30)).toBe(0);
    } finally {
      for (const { child, ended } of [one, two]) {
        child.kill('SIGTERM');
        await ended;
      }
    }
  },
  60_000,
);
