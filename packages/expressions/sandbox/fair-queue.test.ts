import { expect, test } from 'vitest';
import { createFairQueue } from './fair-queue.ts';

const all = () => true;

function drain(queue: ReturnType<typeof createFairQueue>, may: (key: string) => boolean = all): number[] {
  const taken: number[] = [];
  for (let id = queue.take(may); id !== undefined; id = queue.take(may)) taken.push(id);
  return taken;
}

test('keys take turns, however much one of them has waiting, and each keeps its own order', () => {
  const queue = createFairQueue();
  for (let id = 1; id <= 5; id += 1) queue.add('many', id);
  queue.add('few', 10);
  queue.add('other', 20);
  queue.add('few', 11);
  expect(drain(queue)).toEqual([1, 10, 20, 2, 11, 3, 4, 5]);
  expect(queue.holds(all)).toBe(false);
});

test('a key that may not go now is passed over, and keeps its turn', () => {
  const queue = createFairQueue();
  for (const id of [1, 2]) queue.add('held', id);
  for (const id of [10, 11]) queue.add('free', id);
  expect(queue.take((key) => key !== 'held')).toBe(10);
  expect(drain(queue)).toEqual([1, 11, 2]);
  queue.add('held', 3);
  expect([queue.holds((key) => key !== 'held'), queue.take((key) => key !== 'held')]).toEqual([false, undefined]);
});

test('what is put back comes first again, and before it what was behind something else', () => {
  const queue = createFairQueue();
  for (let id = 1; id <= 4; id += 1) queue.add('many', id);
  for (const id of [10, 11]) queue.add('few', id);
  queue.add('other', 20);
  expect([queue.take(all), queue.take(all), queue.take(all), queue.take(all)]).toEqual([1, 10, 20, 2]);
  queue.putBack([
    ['few', 10],
    ['many', 2],
  ]);
  queue.putBack([]);
  expect(drain(queue)).toEqual([10, 2, 11, 3, 4]);
});

test('what is taken back is gone, with its key when that has nothing else', () => {
  const queue = createFairQueue();
  queue.add('a', 1);
  queue.add('a', 2);
  queue.add('b', 3);
  queue.remove('a', 1);
  queue.remove('b', 3);
  queue.remove('b', 3);
  queue.remove('c', 4);
  expect(drain(queue)).toEqual([2]);
});
