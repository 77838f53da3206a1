import type { Json } from '@flowplane/contract/json';
import { createSandbox } from '@flowplane/expressions/sandbox';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { merge } from './merge.ts';
import { context, failureOf } from './testing-context.ts';

const sandbox = createSandbox();
afterAll(() => sandbox.close());
const type = merge(sandbox);

async function merged(params: { [key: string]: Json }): Promise<Json> {
  return (await type.run(params, context())).output;
}

const invalid = (message: RegExp) => ({ code: 'invalid_params', message: expect.stringMatching(message) });

test('append makes one list of lists and leaves out what skipped nodes did not give', async () => {
  expect(await merged({ values: [[1, [2]], null, [], [3]] })).toEqual([1, [2], 3]);
  expect(await merged({ values: [null] })).toEqual([]);
  expect(await failureOf(type, { values: [[1], { a: 1 }] })).toMatchObject(invalid(/values\.1 is an object.*append/));
  const half = Array.from({ length: 5_001 }, () => 0);
  expect(await failureOf(type, { values: [half, half] })).toMatchObject({ code: 'too_many_items' });
});

test('combine merges objects deeply; the later value stays', async () => {
  const values: Json = [{ a: { x: 1, y: 1 }, l: [1, 2], n: 1 }, null, { a: { y: 2, z: { w: 1 } }, l: [3], n: null }];
  expect(await merged({ mode: 'combine', values })).toEqual({ a: { x: 1, y: 2, z: { w: 1 } }, l: [3], n: null });
  expect(await merged({ mode: 'combine', values: [null] })).toEqual({});
  expect(await failureOf(type, { mode: 'combine', values: [{}, [1]] })).toMatchObject(
    invalid(/values\.1 is a list.*combine/),
  );
});

test('combining keys that mean something in JavaScript pollutes nothing', async () => {
  const evil: Json = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}');
  const both: { [key: string]: Json }[] = [
    { mode: 'combine', values: [{}, evil, evil] },
    { mode: 'join', values: [[evil], [evil]], on: 'constructor.prototype.polluted' },
  ];
  for (const params of both) {
    const result = await merged(params);
    const [object] = [result].flat();
    expect(JSON.stringify(object)).toBe(JSON.stringify(evil));
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  }
  expect('polluted' in {}).toBe(false);
});

test('join puts items with the same key together; left and outer keep those without', async () => {
  const orders: Json[] = [
    { order: 1, who: 7 },
    { order: 2, who: 9 },
    { order: 3, who: null },
    { order: 4, who: 7 },
  ];
  const people: Json[] = [{ id: 7, name: 'Ada' }, { id: 7, name: 'Ida' }, { id: 8, name: 'Bo' }, { name: 'nobody' }];
  const join = (kind: string, on: Json = { left: 'who', right: '{{ item.id }}' }) =>
    merged({ mode: 'join', values: [orders, people], on, join: kind });
  const matches = [
    { order: 1, who: 7, id: 7, name: 'Ada' },
    { order: 1, who: 7, id: 7, name: 'Ida' },
  ];
  const later = matches.map((row) => ({ ...row, order: 4 }));
  expect(await join('inner')).toEqual([...matches, ...later]);
  expect(await join('left')).toEqual([...matches, orders[1], orders[2], ...later]);
  expect(await join('outer')).toEqual([...matches, orders[1], orders[2], ...later, people[2], people[3]]);
  expect(await join('inner', { left: '{{ (() => item.who)() }}', right: '{{ (() => item.id)() }}' })).toHaveLength(4);
  expect(await merged({ mode: 'join', values: [[{ id: 1, a: 1 }], [{ id: 1, a: 2 }]], on: 'id' })).toEqual([
    { id: 1, a: 2 },
  ]);
  expect(await merged({ mode: 'join', values: [[{ id: 1 }], [{ id: '1' }]], on: 'id' })).toEqual([]);
  expect(await merged({ mode: 'join', values: [[{ id: 1 }], null], on: 'id', join: 'left' })).toEqual([{ id: 1 }]);
});

test('what cannot be joined is refused by field', async () => {
  const lists = [[{ id: 1 }], [{ id: 1 }]];
  expect(await failureOf(type, { mode: 'join', values: lists })).toMatchObject(invalid(/params\.on: is needed/));
  expect(await failureOf(type, { mode: 'join', values: [[]], on: 'id' })).toMatchObject(invalid(/values: must be two/));
  expect(await failureOf(type, { values: lists, on: 'id' })).toMatchObject(invalid(/on: is for mode join/));
  expect(await failureOf(type, { mode: 'join', values: [[1], []], on: 'id' })).toMatchObject(
    invalid(/values\.0\.0 is a number/),
  );
  expect(await failureOf(type, { mode: 'join', values: [{}, []], on: 'id' })).toMatchObject(
    invalid(/values\.0 is an object/),
  );
  expect(await failureOf(type, { mode: 'join', values: lists, on: { left: 'id' } })).toMatchObject(invalid(/on/));
  expect(await failureOf(type, { mode: 'zip', values: lists })).toMatchObject(invalid(/mode/));
  expect(await failureOf(type, { values: [] })).toMatchObject(invalid(/values/));
  const key = await failureOf(type, { mode: 'join', values: [[{ id: {} }], [{ id: 1 }]], on: 'id' });
  expect(key).toMatchObject({
    code: 'invalid_key',
    message: expect.stringMatching(/first list, of item 0 is an object/),
  });
});

test('a join that multiplies ends at its bound, however wide the items are', async () => {
  const same = Array.from({ length: 200 }, () => ({ id: 1 }));
  expect(await failureOf(type, { mode: 'join', values: [same, same], on: 'id' })).toMatchObject({
    code: 'too_many_items',
  });
  const wide = { id: 1, ...Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, 0])) };
  expect(await failureOf(type, { mode: 'join', values: [[wide], same], on: 'id' })).toMatchObject({
    code: 'value_too_large',
  });
});

test('joins agree with comparing every pair', async () => {
  const rows = (field: string) =>
    fc.array(fc.record({ id: fc.constantFrom(1, 2, '1', null), [field]: fc.nat(9) }, { noNullPrototype: true }), {
      maxLength: 8,
    });
  await fc.assert(
    fc.asyncProperty(rows('a'), rows('b'), async (left, right) => {
      const pairs = left.flatMap((l) => right.flatMap((r) => (l.id !== null && l.id === r.id ? [{ ...l, ...r }] : [])));
      expect(await merged({ mode: 'join', values: [left, right], on: 'id' })).toEqual(pairs);
      const outer = await merged({ mode: 'join', values: [left, right], on: 'id', join: 'outer' });
      const alone = (one: { id?: Json }, others: { id?: Json }[]) =>
        one.id === null || others.every((other) => other.id !== one.id);
      const lonely = left.filter((l) => alone(l, right)).length + right.filter((r) => alone(r, left)).length;
      expect(outer).toHaveLength(pairs.length + lonely);
    }),
  );
});
