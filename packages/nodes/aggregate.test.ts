import type { Json } from '@flowplane/contract/json';
import { createSandbox } from '@flowplane/expressions/sandbox';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { aggregate } from './aggregate.ts';
import { context, failureOf } from './testing-context.ts';

const sandbox = createSandbox();
afterAll(() => sandbox.close());
const type = aggregate(sandbox);

async function result(params: { [key: string]: Json }): Promise<Json> {
  return (await type.run(params, context())).output;
}

const sales = [
  { to: { country: 'FR' }, qty: 2, price: 10, on: '2026-01-30' },
  { to: { country: 'DE' }, qty: 1, price: 5, on: '2026-02-01' },
  { to: { country: 'FR' }, qty: 1, price: null, on: '2026-02-02' },
];

test('without groups the result is one object with every operation’s value', async () => {
  const of = 'price';
  const values = {
    all: { op: 'count' },
    priced: { op: 'count', of },
    sum: { op: 'sum', of },
    avg: { op: 'avg', of },
    min: { op: 'min', of },
    max: { op: 'max', of: 'on' },
    first: { op: 'first', of },
    last: { op: 'last', of },
    list: { op: 'collect', of },
    countries: { op: 'countDistinct', of: 'to.country' },
    revenue: { op: 'sum', of: '{{ item.qty * item.price }}' },
    slow: { op: 'sum', of: '{{ (() => item.qty)() }}' },
  };
  expect(await result({ items: sales, values })).toEqual({
    all: 3,
    priced: 2,
    sum: 15,
    avg: 7.5,
    min: 5,
    max: '2026-02-02',
    first: 10,
    last: null,
    list: [10, 5, null],
    countries: 2,
    revenue: 25,
    slow: 4,
  });
  expect(await result({ items: sales })).toEqual({ count: 3 });
  expect(await result({ items: [3, 4], values: { n: { op: 'sum' } } })).toEqual({ n: 7 });
});

test('no items give a sum of 0, no average, and no groups', async () => {
  const values = {
    n: { op: 'count' },
    sum: { op: 'sum' },
    avg: { op: 'avg' },
    min: { op: 'min' },
    all: { op: 'collect' },
  };
  expect(await result({ items: [], values })).toEqual({ n: 0, sum: 0, avg: null, min: null, all: [] });
  expect(await result({ items: [], values, groupBy: 'a' })).toEqual([]);
});

test('groups come by path, paths or named expressions, in the order of their first item', async () => {
  expect(await result({ items: sales, groupBy: 'to.country' })).toEqual([
    { country: 'FR', count: 2 },
    { country: 'DE', count: 1 },
  ]);
  expect(await result({ items: sales, groupBy: ['to.country', 'qty'] })).toMatchObject([
    { country: 'FR', qty: 2 },
    { country: 'DE', qty: 1 },
    { country: 'FR', qty: 1 },
  ]);
  expect(await result({ items: sales, groupBy: { month: '{{ item.on.slice(0, 7) }}' } })).toEqual([
    { month: '2026-01', count: 1 },
    { month: '2026-02', count: 2 },
  ]);
  expect(await result({ items: [1, '1', null, true, 'true', 1], groupBy: '{{ item }}' })).toEqual([
    { key: 1, count: 2 },
    { key: '1', count: 1 },
    { key: null, count: 1 },
    { key: true, count: 1 },
    { key: 'true', count: 1 },
  ]);
});

test('names that mean something in JavaScript are only names', async () => {
  const items: Json = JSON.parse('[{"__proto__": "a", "constructor": 1}]');
  const groups = await result({ items, groupBy: ['__proto__', 'constructor'] });
  expect(JSON.stringify(groups)).toBe('[{"__proto__":"a","constructor":1,"count":1}]');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(
    await result({ items, values: { toString: { op: 'count' }, hasOwnProperty: { op: 'sum', of: 'constructor' } } }),
  ).toEqual({
    toString: 1,
    hasOwnProperty: 1,
  });
});

test('what cannot be aggregated is refused by field', async () => {
  const invalid = (message: RegExp) => ({ code: 'invalid_params', message: expect.stringMatching(message) });
  const refused: [{ [key: string]: Json }, RegExp][] = [
    [{ items: 1 }, /items/],
    [{ items: [], values: { n: { op: 'median' } } }, /values\.n\.op/],
    [{ items: [], values: { 'a b': { op: 'count' } } }, /values/],
    [{ items: [], values: { n: { op: 'sum', of: 'a b' } } }, /values\.n\.of/],
    [{ items: [], groupBy: ['{{ item }}'] }, /groupBy/],
    [{ items: [], groupBy: 'count' }, /two fields of the result would be called count/],
    [{ items: [], groupBy: ['a.id', 'b.id'] }, /called id/],
    [
      { items: [], groupBy: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, 'a'])) },
      /groupBy/,
    ],
  ];
  for (const [params, message] of refused) expect(await failureOf(type, params)).toMatchObject(invalid(message));
  const many = Array.from({ length: 10_001 }, () => 0);
  expect(await failureOf(type, { items: many })).toMatchObject({ code: 'too_many_items' });
});

test('an item that does not fit fails the step and is named', async () => {
  const sum = { n: { op: 'sum', of: 'a' } };
  expect(await failureOf(type, { items: [{ a: 1 }, { a: '2' }], values: sum })).toEqual({
    code: 'not_a_number',
    message: expect.stringMatching(/params\.values\.n of item 1 is a text/),
  });
  expect(await failureOf(type, { items: [{ a: 1e308 }, { a: 1e308 }], values: sum })).toMatchObject({
    code: 'number_too_large',
  });
  expect(await failureOf(type, { items: [{ a: 1 }, { a: [1] }], groupBy: 'a' })).toEqual({
    code: 'invalid_key',
    message: expect.stringMatching(/params\.groupBy of item 1 is a list/),
  });
  expect(await failureOf(type, { items: [null], groupBy: '{{ item.a }}' })).toMatchObject({
    code: 'expression_failed',
  });
});

test('the groups’ sums, counts and lists are those of a plain loop', async () => {
  const item = fc.record(
    { g: fc.constantFrom('a', 'b', 1, null), n: fc.integer({ min: -1_000, max: 1_000 }) },
    { noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(item), async (items) => {
      const expected = new Map<Json, { g: Json; sum: number; count: number; all: number[] }>();
      for (const { g, n } of items) {
        const group = expected.get(g) ?? { g, sum: 0, count: 0, all: [] };
        expected.set(g, { g, sum: group.sum + n, count: group.count + 1, all: [...group.all, n] });
      }
      const values = {
        sum: { op: 'sum', of: 'n' },
        count: { op: 'count' },
        all: { op: 'collect', of: '{{ item.n }}' },
      };
      expect(await result({ items, groupBy: 'g', values })).toEqual([...expected.values()]);
    }),
  );
});
