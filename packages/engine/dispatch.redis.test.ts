import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { createDispatch } from './dispatch.ts';
import { exchange } from './testing-dispatch.ts';
import { eventually } from './testing-engine.ts';
import { startProxy } from './testing-proxy.ts';
import { testRedis } from './testing-redis.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

test.skipIf(!redis)(
  'what one process sends, another looks at, so many at once; what failed there is not kept',
  async () => {
    const open = () => createDispatch({ store: { redis: redis?.url ?? '' }, onError: () => {} });
    const [sender, taker] = [await open(), await open()];
    await eventually(() =>
      sender.check().then(
        () => true,
        () => false,
      ),
    );
    await exchange(sender, taker);
  },
);

test.skipIf(!redis)(
  'while Redis is away the worker does not spin, and work goes on by itself afterwards',
  async () => {
    const url = new URL(redis?.url ?? '');
    await using proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    let errors = 0;
    const dispatch = await createDispatch({
      store: { redis: url.href },
      onError: () => {
        errors += 1;
      },
    });
    const seen: string[] = [];
    dispatch.consume(async (id) => void seen.push(id), 4);
    await eventually(() =>
      dispatch.send(['before']).then(
        () => true,
        () => false,
      ),
    );
    await eventually(() => seen.includes('before'));
    errors = 0;
    proxy.cut();
    await sleep(2_000);
    expect(errors).toBeLessThan(100);
    // Who has something to send is not held up.
    await expect(dispatch.send(['lost'])).rejects.toThrow();
    await expect(dispatch.check()).rejects.toThrow();
    await proxy.mend();
    await eventually(() =>
      dispatch.send(['after']).then(
        () => true,
        () => false,
      ),
    );
    await eventually(() => seen.includes('after'), 15_000);
    await dispatch.close();
  },
  40_000,
);

test('a Redis that is not there does not hold up the start', async () => {
  const dispatch = await createDispatch({ store: { redis: 'redis://127.0.0.1:1' }, onError: () => {} });
  dispatch.consume(async () => {}, 4);
  await expect(dispatch.check()).rejects.toThrow();
  await dispatch.close();
});
