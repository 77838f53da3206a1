import { expect, test } from 'vitest';
import { createBatcher } from './batch.ts';

/** A flush that records what it was given and ends when told. */
function controlled() {
  const flushes: { items: number[]; end(error?: Error): void }[] = [];
  const flush = (items: number[]) =>
    new Promise<number[]>((resolve, reject) => {
      const results = items.map((item) => item * 10);
      flushes.push({ items, end: (error) => (error ? reject(error) : resolve(results)) });
    });
  return { flushes, flush };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a call on a quiet batcher goes at once; those that arrive meanwhile share the next flush', async () => {
  const { flushes, flush } = controlled();
  const add = createBatcher({ flush, failsAll: () => false, lanes: 1, max: 3 });
  const results = Promise.all([1, 2, 3, 4, 5].map(add));
  expect(flushes.map(({ items }) => items)).toEqual([[1]]);
  for (let done = 0; done < 3; done += 1) {
    flushes[done]?.end();
    await turn();
  }
  expect(flushes.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
  expect(await results).toEqual([10, 20, 30, 40, 50]);
});

test('when more waits than goes into a flush, owners take turns', async () => {
  const { flushes, flush } = controlled();
  const ownerOf = (item: number) => (item < 100 ? 'many' : `few ${item}`);
  const add = createBatcher({ flush, failsAll: () => false, lanes: 1, max: 3, ownerOf });
  const results = Promise.all([1, 2, 3, 4, 5, 6, 100, 101].map(add));
  for (let done = 0; done < 4; done += 1) {
    flushes[done]?.end();
    await turn();
  }
  expect(flushes.map(({ items }) => items)).toEqual([[1], [2, 100, 101], [3, 4, 5], [6]]);
  expect(await results).toEqual([10, 20, 30, 40, 50, 60, 1000, 1010]);
});

test('no more flushes are under way than there are lanes', async () => {
  const { flushes, flush } = controlled();
  const add = createBatcher({ flush, failsAll: () => false, lanes: 2, max: 10 });
  const results = Promise.all([1, 2, 3, 4].map(add));
  await turn();
  expect(flushes.map(({ items }) => items)).toEqual([[1], [2]]);
  flushes[1]?.end();
  await turn();
  expect(flushes.map(({ items }) => items)).toEqual([[1], [2], [3, 4]]);
  for (const { end } of flushes) end();
  expect(await results).toEqual([10, 20, 30, 40]);
});

test('a bad item fails only itself', async () => {
  const flushed: number[][] = [];
  const add = createBatcher<number, number>({
    async flush(items) {
      flushed.push(items);
      if (items.includes(3)) throw new Error('three');
      return items;
    },
    failsAll: () => false,
    lanes: 1,
    max: 10,
  });
  const results = await Promise.allSettled([1, 2, 3, 4].map(add));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(flushed).toEqual([[1], [2, 3, 4], [2], [3], [4]]);
});

test('a failure that would meet every item is not tried again for each', async () => {
  const flushed: number[][] = [];
  const add = createBatcher<number, number>({
    async flush(items) {
      flushed.push(items);
      throw new Error('away');
    },
    failsAll: (error) => error instanceof Error && error.message === 'away',
    lanes: 1,
    max: 10,
  });
  const results = await Promise.allSettled([1, 2, 3, 4].map(add));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(flushed).toEqual([[1], [2, 3, 4]]);
});
