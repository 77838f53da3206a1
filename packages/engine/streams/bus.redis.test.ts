import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { eventually, openBench } from '../testing/engine.ts';
import { basics, node } from '../testing/nodes.ts';
import { startProxy } from '../testing/proxy.ts';
import { testRedis } from '../testing/redis.ts';
import { all, take, there } from '../testing/streams.ts';
import { type Bus, createBus } from './bus.ts';

const redis = await testRedis();
afterAll(() => redis?.[Symbol.asyncDispose]());

function counted(bus: Bus, topic: string): { told: number; stop: () => void } {
  const count = { told: 0, stop: () => {} };
  count.stop = bus.subscribe(topic, () => {
    count.told += 1;
  });
  return count;
}

/** Publishes until it arrives: until both are connected, messages are lost. */
async function reaches(bus: Bus, topic: string, count: { told: number }): Promise<void> {
  const before = count.told;
  await eventually(() => {
    bus.publish(topic);
    return count.told > before;
  }, 15_000);
}

test.skipIf(!redis)(
  'what one process tells, others hear, a burst of it and more than fits one message too',
  async () => {
    const [one, two] = [1, 2].map(() => createBus({ redis: redis?.url, onError: () => {} }));
    if (!one || !two) throw new Error('there are two');
    const heard = counted(two, 'topic');
    await reaches(one, 'topic', heard);
    await sleep(100);
    heard.told = 0;
    for (let i = 0; i < 1_000; i += 1) one.publish('topic');
    await eventually(() => heard.told > 0);
    await sleep(50);
    expect(heard.told).toBe(1);
    for (let i = 0; i < 20_000; i += 1) one.publish(`other ${i}`);
    await eventually(() => heard.told > 1);
    heard.stop();
    await Promise.all([one.close(), two.close()]);
  },
);

test.skipIf(!redis)(
  'while Redis is away nothing waits for it and one error is told; afterwards it goes on by itself',
  async () => {
    const url = new URL(redis?.url ?? '');
    await using proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    const errors: Error[] = [];
    const [one, two] = [1, 2].map(() => createBus({ redis: url.href, onError: (error) => errors.push(error) }));
    if (!one || !two) throw new Error('there are two');
    const heard = counted(two, 'topic');
    await reaches(one, 'topic', heard);
    errors.length = 0;
    proxy.cut();
    const at = performance.now();
    for (let i = 0; i < 100_000; i += 1) one.publish(`topic ${i}`);
    expect(performance.now() - at).toBeLessThan(1_000);
    await sleep(1_500);
    // One for each connection.
    expect(errors.length).toBeLessThanOrEqual(3);
    await proxy.mend();
    await reaches(one, 'topic', heard);
    heard.stop();
    await Promise.all([one.close(), two.close()]);
  },
  40_000,
);

test('a Redis that is not there holds up neither the start nor the end', async () => {
  const errors: Error[] = [];
  const bus = createBus({ redis: 'redis://127.0.0.1:1', onError: (error) => errors.push(error) });
  const heard = counted(bus, 'topic');
  bus.publish('topic');
  expect(heard.told).toBe(1);
  await sleep(1_000);
  expect(errors.length).toBeLessThanOrEqual(2);
  await bus.close();
});

test.skipIf(!redis)('with Redis between them, what one engine runs another tells and waits for at once', async () => {
  await using bench = await openBench();
  const effect = node(
    'effect',
    async ({ signal }) => {
      await sleep(300, undefined, { signal });
      return { output: 'done' };
    },
    { effect: true },
  );
  const bus = () => createBus({ redis: redis?.url, onError: () => {} });
  const types = [...basics, effect];
  const [runs, sees] = [bench.engine(types, { bus: bus() }), bench.engine(types, { slots: 0, bus: bus() })];
  const request = await bench.request({
    nodes: ['a', 'b', 'c', 'd'].map((id) => ({ id, type: 'effect' })),
    edges: ['b', 'c', 'd'].map((to, index) => ({ from: 'abc'[index] ?? '', to })),
  });
  // Until both are connected, what is told is lost.
  const warm = await runs.start(request);
  await all(await sees.events(bench.teamId, warm.execution.id));

  const { execution, held } = await runs.start(request);
  const stream = there(await sees.events(bench.teamId, execution.id));
  const waited = sees.wait(bench.teamId, execution.id, 10_000).then(() => performance.now());
  const ended = held?.then(() => performance.now());
  const delays: number[] = [];
  for (let [event] = await take(stream, 1); event && event.event.event !== 'done'; [event] = await take(stream, 1)) {
    if (event.event.event === 'step' && event.event.data.finishedAt) {
      delays.push(Date.now() - event.event.data.finishedAt.getTime());
    }
  }
  expect(delays).toHaveLength(4);
  expect(Math.max(...delays)).toBeLessThan(500);
  expect((await waited) - ((await ended) ?? 0)).toBeLessThan(300);
  expect(bench.errors).toEqual([]);
});
