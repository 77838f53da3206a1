import type { Json } from '@flowplane/contract/json';
import { createSandbox } from '@flowplane/expressions/sandbox';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { compareValues } from './compare.ts';
import { sort } from './sort.ts';
import { context, failureOf } from './testing-context.ts';

const sandbox = createSandbox();
afterAll(() => sandbox.close());
const type = sort(sandbox);

async function sorted(params: { [key: string]: Json }): Promise<Json> {
  return (await type.run(params, context())).output;
}

test('items are ordered by themselves, a path, an expression, or several keys', async () => {
  expect(await sorted({ items: [10, 9, 1] })).toEqual([1, 9, 10]);
  const items = [
    { n: 'b', at: { day: 2 } },
    { n: 'a', at: { day: 2 } },
    { n: 'c', at: { day: 1 } },
  ];
  const names = async (params: { [key: string]: Json }) => {
    const list = await sorted({ items, ...params });
    return Array.isArray(list) ? list.map((item) => Object(item).n).join('') : list;
  };
  expect(await names({ by: 'n' })).toBe('abc');
  expect(await names({ by: 'n', order: 'desc' })).toBe('cba');
  expect(await names({ by: 'at.day' })).toBe('cba');
  expect(await names({ by: '{{ -item.at.day }}' })).toBe('bac');
  expect(await names({ by: '{{ (() => item.n)() }}' })).toBe('abc');
  expect(await names({ by: [{ by: 'at.day', order: 'desc' }, { by: 'n' }] })).toBe('abc');
  expect(await names({ by: [{ by: 'at.day' }, { by: 'n', order: 'asc' }], order: 'desc' })).toBe('abc');
});

test('mixed values have one order, and what is missing comes last in either', async () => {
  const mixed = ['b', null, [1], 2, { a: 1 }, true, 'B', -1, false];
  expect(await sorted({ items: mixed })).toEqual([false, true, -1, 2, 'B', 'b', [1], { a: 1 }, null]);
  expect(await sorted({ items: mixed, order: 'desc' })).toEqual([[1], { a: 1 }, 'b', 'B', 2, -1, true, false, null]);
  expect(await sorted({ items: [{ a: 1 }, {}, { a: null }, { a: 0 }], by: 'a' })).toEqual([
    { a: 0 },
    { a: 1 },
    {},
    { a: null },
  ]);
});

test('what cannot be sorted is refused by field', async () => {
  const invalid = (message: RegExp) => ({ code: 'invalid_params', message: expect.stringMatching(message) });
  expect(await failureOf(type, { items: 'abc' })).toMatchObject(invalid(/items/));
  expect(await failureOf(type, { items: [], order: 'up' })).toMatchObject(invalid(/order/));
  expect(await failureOf(type, { items: [], by: 'a b' })).toMatchObject(invalid(/by/));
  expect(await failureOf(type, { items: [], by: [] })).toMatchObject(invalid(/by/));
  expect(await failureOf(type, { items: [], by: [{ by: 'a', desc: true }] })).toMatchObject(invalid(/by/));
  const many = Array.from({ length: 10_001 }, () => 0);
  expect(await failureOf(type, { items: many })).toMatchObject({ code: 'too_many_items' });
  expect(await failureOf(type, { items: [null], by: '{{ item.a }}' })).toMatchObject({ code: 'expression_failed' });
});

test('sorting keeps every item, is stable, and sorting again changes nothing', async () => {
  const item = fc.record({
    key: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', null, true)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(item), fc.constantFrom('asc', 'desc'), async (given, order) => {
      const items = given.map(({ key }, id) => ({ key, id }));
      const result = await sorted({ items, by: 'key', order });
      if (!Array.isArray(result)) throw new Error('It is no list');
      const rows = result.map((row) => items[Object(row).id]);
      expect(rows.map((row) => row?.id).sort()).toEqual(items.map(({ id }) => id).sort());
      for (const [place, row] of rows.entries()) {
        const next = rows[place + 1];
        if (!row || !next) continue;
        if (row.key === next.key) expect(row.id).toBeLessThan(next.id);
        else if (next.key !== null) {
          expect(row.key).not.toBeNull();
          expect(Math.sign(compareValues(row.key, next.key))).toBe(order === 'asc' ? -1 : 1);
        }
      }
      expect(await sorted({ items: result, by: 'key', order })).toEqual(result);
    }),
  );
});

test('the order is total: antisymmetric and transitive over any JSON', () => {
  const value = fc.jsonValue({ maxDepth: 1 }).map((raw): Json => JSON.parse(JSON.stringify(raw)));
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      expect(Math.sign(compareValues(a, b)) + Math.sign(compareValues(b, a))).toBe(0);
      if (compareValues(a, b) <= 0 && compareValues(b, c) <= 0) expect(compareValues(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 1_000 },
  );
});

test('ten thousand items with ten keys are sorted in a moment', async () => {
  const items = Array.from({ length: 10_000 }, (_, index) => ({ k: index % 7, n: (index * 7919) % 10_007 }));
  const by = [...Array.from({ length: 9 }, () => ({ by: 'k' })), { by: '{{ item.n }}' }];
  const started = performance.now();
  expect(await sorted({ items, by })).toHaveLength(10_000);
  expect(performance.now() - started).toBeLessThan(10_000);
});
