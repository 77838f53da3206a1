import type { Json } from '@flowplane/contract/json';
import { createSandbox } from '@flowplane/expressions/sandbox';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { filter } from './filter.ts';
import { context, failureOf } from './testing-context.ts';

const sandbox = createSandbox();
afterAll(() => sandbox.close());
const type = filter(sandbox);

async function kept(items: Json, where: string): Promise<Json> {
  return (await type.run({ items, where }, context())).output;
}

test('an expression or a path decides for each item, by the rules of JavaScript', async () => {
  const orders: Json[] = [
    { id: 1, total: 250, open: true },
    { id: 2, total: 40, open: 0 },
    { id: 3, total: 101 },
  ];
  expect(await kept(orders, '{{ item.total > 100 }}')).toEqual([orders[0], orders[2]]);
  expect(await kept(orders, '{{ index > 0 && [item].some((one) => one.total < 200) }}')).toEqual([
    orders[1],
    orders[2],
  ]);
  expect(await kept(orders, '{{ (() => item.total > 100)() }}')).toEqual([orders[0], orders[2]]);
  expect(await kept(orders, 'open')).toEqual([orders[0]]);
  expect(await kept(orders, 'open.constructor')).toEqual([]);
  expect(await kept([{}, JSON.parse('{"__proto__": {"x": 1}}')], '__proto__.x')).toHaveLength(1);
  expect(await kept([], '{{ item.a.b }}')).toEqual([]);
});

test('an expression sees what the rest of the workflow sees', async () => {
  const scope = { input: { least: 2 }, nodes: { a: [2, 3] }, vars: {}, run: {} };
  const outcome = await type.run(
    { items: [1, 2, 3, 4], where: '{{ item >= input.least && nodes.a.includes(item) }}' },
    context({ scope }),
  );
  expect(outcome.output).toEqual([2, 3]);
});

test('what cannot be filtered is refused by field', async () => {
  const invalid = (message: RegExp) => ({ code: 'invalid_params', message: expect.stringMatching(message) });
  expect(await failureOf(type, { items: { a: 1 }, where: 'a' })).toMatchObject(
    invalid(/params\.items: must be a list/),
  );
  expect(await failureOf(type, { items: [1] })).toMatchObject(invalid(/params\.where/));
  for (const where of ['item.total > 100', 'total >', '', 'a..b']) {
    expect(await failureOf(type, { items: [], where })).toMatchObject(
      invalid(/where: must be a path .* or an expression/),
    );
  }
  expect(await failureOf(type, { items: [], where: 'item.open' })).toMatchObject(invalid(/leave "item\." out/));
  expect(await failureOf(type, { items: Array.from({ length: 10_001 }, () => 0), where: 'a' })).toEqual({
    code: 'too_many_items',
    message: expect.stringMatching(/params\.items has 10,001 items/),
  });
});

test('an expression that fails fails the step, one without an end too', async () => {
  const items: Json = [{ a: { b: 1 } }, {}];
  expect(await failureOf(type, { items, where: '{{ item.a.b }}' })).toMatchObject({
    code: 'expression_failed',
    message: expect.stringMatching(/reading 'b'.*item 1/),
  });
  const endless = failureOf(type, { items, where: '{{ (() => { for (;;); })() }}' });
  expect(await endless).toMatchObject({ code: 'expression_timeout' });
});

test('filtering twice is filtering by both, and filtering again changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -50, max: 50 })), async (numbers) => {
      const even = await kept(numbers, '{{ item % 2 === 0 }}');
      expect(await kept(even, '{{ item > 3 }}')).toEqual(await kept(numbers, '{{ item % 2 === 0 && item > 3 }}'));
      expect(await kept(even, '{{ item % 2 === 0 }}')).toEqual(even);
    }),
  );
});
