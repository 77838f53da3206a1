import { expect, test } from 'vitest';
import { createBus } from './bus.ts';
import { watch } from './watch.ts';

test('a bus tells whoever listens to a topic, as often as they subscribed, and nobody else', () => {
  const bus = createBus({ redis: undefined, onError: () => {} });
  let told = 0;
  const listener = () => {
    told += 1;
  };
  bus.publish('a');
  const [first, second] = [bus.subscribe('a', listener), bus.subscribe('a', listener)];
  bus.publish('a');
  bus.publish('b');
  expect(told).toBe(2);
  first();
  first();
  bus.publish('a');
  expect(told).toBe(3);
  second();
  bus.publish('a');
  expect(told).toBe(3);
});

test('news that comes while nobody waits is not lost, and is one', async () => {
  const bus = createBus({ redis: undefined, onError: () => {} });
  const leaving = new AbortController();
  const news = watch([(listener) => bus.subscribe('a', listener)], leaving.signal);
  for (let i = 0; i < 3; i += 1) bus.publish('a');
  await news.next();
  const waiting = news.next();
  expect(await Promise.race([waiting, news.next(20).then(() => 'nothing')])).toBe('nothing');
  leaving.abort();
  await news.next();
});
