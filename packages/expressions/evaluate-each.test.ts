import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { ExpressionError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import { evaluateEach } from './evaluate-each.ts';
import type { Json } from './json.ts';
import { createSandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';
import { compileTemplate } from './template.ts';

/** What a busy machine takes long for has time; what never ends is stopped soon. */
const sandbox = createSandbox({ expressionTimeoutMs: 30_000 });
const impatient = createSandbox({ expressionTimeoutMs: 500 });
afterAll(() => Promise.all([sandbox.close(), impatient.close()]));

const scope: Scope = {
  input: { factor: 3, list: [1, 2, 3] },
  nodes: { n: 2 },
  vars: {},
  run: {},
  item: 'outer',
  index: 9,
};

function each(templates: Json[], items: Json[], given: Scope = scope): Json[][] | Promise<Json[][]> {
  return evaluateEach(templates.map(compileTemplate), items, { scope: given, sandbox });
}

async function failure(work: () => Json[][] | Promise<Json[][]>): Promise<ExpressionError> {
  try {
    throw new Error(`It did not fail but gave ${JSON.stringify(await work())}`);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}

test('an expression sees each item with its index, and the rest of the scope', () => {
  expect(each(['{{ item.n * input.factor + nodes.n }}', '#{{ index }}: {{ item.n }}'], [{ n: 1 }, { n: 2 }])).toEqual([
    [5, 8],
    ['#0: 1', '#1: 2'],
  ]);
  expect(each(['{{ item }}', 'same'], [])).toEqual([[], []]);
  expect(each(['same'], [1, 2])).toEqual([['same', 'same']]);
  expect(each([], [1])).toEqual([]);
});

test('what the fast lane cannot do takes one call of the sandbox for all items and templates', async () => {
  let calls = 0;
  const counting: typeof sandbox = {
    ...sandbox,
    evaluate: (...given) => {
      calls += 1;
      return sandbox.evaluate(...given);
    },
  };
  const templates = ['{{ [...item].reverse().join("") }}', '{{ item + index // a comment }}', 'n{{ (() => index)() }}'];
  templates[1] = '{{ item + index // a comment\n}}';
  const items = Array.from({ length: 10_000 }, (_, index) => `ab${index}`);
  const compiled = templates.map(compileTemplate);
  const [reversed, plain, text] = await evaluateEach(compiled, items, { scope, sandbox: counting });
  expect(calls).toBe(1);
  expect(reversed?.[12]).toBe('21ba');
  expect(plain?.[9_999]).toBe('ab99999999');
  expect(text?.[7]).toBe('n7');
});

test('both lanes give what evaluating item by item gives', async () => {
  const templates = ['{{ item?.a ?? index }}', '{{ (() => item?.a ?? index)() }}', '{{ item }}', '<{{ item }}>'];
  const item = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.record({ a: fc.jsonValue({ maxDepth: 1 }) }));
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 8 }), async (raw) => {
      const items: Json[] = JSON.parse(JSON.stringify(raw));
      const oneByOne = templates.map((template) =>
        Promise.all(
          items.map((one, index) => evaluate(compileTemplate(template), { ...scope, item: one, index }, { sandbox })),
        ),
      );
      expect(await each(templates, items)).toEqual(await Promise.all(oneByOne));
    }),
    { numRuns: 40 },
  );
});

test('an expression that fails is named as it was written', async () => {
  const fast = await failure(() => each(['{{ item.a.b }}'], [{ a: {} }, { a: null }]));
  expect(fast).toMatchObject({
    code: 'expression_failed',
    expression: 'item.a.b',
    message: expect.stringMatching(/item 1/),
  });
  const slow = await failure(() => each(['{{ item?.a }}', '{{ (() => item.a.b)() }}'], [{ a: null }]));
  expect(slow).toMatchObject({ code: 'expression_failed', expression: '(() => item.a.b)()' });
  const endless = [compileTemplate('{{ (() => { for (;;); })() }}')];
  const stopped = await failure(async () => evaluateEach(endless, [1], { scope, sandbox: impatient }));
  expect(stopped).toMatchObject({ code: 'expression_timeout' });
  const forged = await failure(() =>
    each(['{{ (Array.prototype.map = () => 1, [].map()) && (() => 1)() }}', '{{ (() => 2)() }}'], [1]),
  );
  expect(forged.message).toMatch(/one value per item/);
});

test('an expression that changes its data changes neither what it was given nor what the fast lane sees', async () => {
  const items = [{ n: 1 }];
  const changing = '{{ (() => { item.n = 9; input.list.length = 0; return item.n })() }}';
  expect(await each([changing, '{{ item.n + input.list.length }}'], items)).toEqual([[9], [4]]);
  expect(items).toEqual([{ n: 1 }]);
  expect(scope.input).toMatchObject({ list: [1, 2, 3] });
});

test('one long text for ten thousand items costs no more than its bound', async () => {
  const big: Scope = { ...scope, nodes: { big: 'x'.repeat(500_000), object: { text: 'y'.repeat(500_000) } } };
  const items = Array.from({ length: 10_000 }, () => 0);
  const started = performance.now();
  for (const template of [
    '{{ nodes.big }}',
    '{{ nodes.object }} of {{ item }}',
    `{{ ${'item + '.repeat(1_000)} item }}`,
  ]) {
    const outcome = await Promise.resolve()
      .then(() => each([template], items, big))
      .catch((error: unknown) => error);
    if (template.includes('nodes'))
      expect(outcome).toMatchObject({ message: expect.stringMatching(/together longer/) });
  }
  expect(performance.now() - started).toBeLessThan(10_000);
});
