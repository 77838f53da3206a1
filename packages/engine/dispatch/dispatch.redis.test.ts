import { Redis } from 'ioredis';
import { afterAll } from 'vitest';
import { bullmqCarrier } from '../testing/bullmq.ts';
import type { Carrier } from '../testing/carrier.ts';
import { dispatchContract } from '../testing/dispatch-contract.ts';
import { startProxy } from '../testing/proxy.ts';
import { testRedis } from '../testing/redis.ts';
import { redisStore } from './redis.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

async function redisCarrier(direct: string): Promise<Carrier> {
  const client = new Redis(direct);
  await client.flushdb();
  client.disconnect();
  const url = new URL(direct);
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  const inspector = redisStore(direct, () => {});
  return bullmqCarrier({ store: { redis: url.href }, inspector, proxy, dispose: async () => {} });
}

dispatchContract(redis && (() => redisCarrier(redis.url)), { startsAlone: true });
