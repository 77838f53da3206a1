import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import type { Json } from './json.ts';
import { createSandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';
import { codeError, compileTemplate, templateErrors } from './template.ts';

const sandbox = createSandbox();
afterAll(() => sandbox.close());

const scope: Scope = {
  input: { a: 1, s: 'x', o: { b: [1] } },
  nodes: { n: 2 },
  vars: { v: null },
  run: { id: 'r' },
  item: 'i',
  index: 4,
};

function value(template: Json): Json | Promise<Json> {
  return evaluate(compileTemplate(template), scope, { sandbox });
}

test.each<[string, Json]>([
  // A closing brace pair inside the expression does not end it.
  ['{{ "}}" }}', '}}'],
  ["{{ '{{' }}", '{{'],
  ['{{ `}}$' + '{"}}"}` }}', '}}}}'],
  ['{{ {a:{b:1}}}}', { a: { b: 1 } }],
  ['{{{a:1}}}', { a: 1 }],
  ['{{ { "}}": 1 } }}', { '}}': 1 }],
  ['{{ /}}/.test("}}") }}', true],
  ['{{ 1 /* }} */ }}', 1],
  ['{{ 1 // }}\n}}', 1],
  ['{{ (() => { return { a: 1 }})() }}', { a: 1 }],
  // One expression and nothing else yields the value itself.
  ['{{input.o}}', { b: [1] }],
  ['{{ undefined }}', null],
  ['{{ input.missing }}', null],
  ['{{ (1, 2) }}', 2],
  ['{{ 0 / 0 }}', null],
  ['{{ () => 1 }}', null],
  // Anything else is interpolated.
  [' {{ input.a }}', ' 1'],
  ['{{ input.a }}{{ input.s }}', '1x'],
  ['<{{ vars.v }}|{{ input.missing }}|{{ true }}|{{ input.o }}|{{ [1, "a"] }}>', '<||true|{"b":[1]}|[1,"a"]>'],
  ['{{ item }} of {{ index }} in {{ run.id }} after {{ nodes.n }}', 'i of 4 in r after 2'],
  // What holds no expression is itself.
  ['{ {input.a} } }}', '{ {input.a} } }}'],
  ['', ''],
])('%s', async (template, expected) => {
  expect(await value(template)).toEqual(expected);
});

test('expressions are found at any depth, keys are never templates, and the rest of the value is kept', async () => {
  const template = JSON.parse(
    '{"a":["{{ input.a }}",{"b":"n={{ nodes.n }}"}],"{{ x }}":null,"__proto__":"{{ input.s }}","n":1.5}',
  );
  expect(JSON.stringify(await value(template))).toBe('{"a":[1,{"b":"n=2"}],"{{ x }}":null,"__proto__":"x","n":1.5}');
});

test('whatever stays in the fast lane is synchronous; one call of the sandbox does all the rest', async () => {
  expect(value({ a: '{{ input.a + 1 }}', b: '{{ nodes.n }}' })).toEqual({ a: 2, b: 2 });
  let calls = 0;
  const counting = {
    ...sandbox,
    evaluate: (...args: Parameters<typeof sandbox.evaluate>) => {
      calls++;
      return sandbox.evaluate(...args);
    },
  };
  const template = compileTemplate([
    '{{ new Date(0).getTime() }}',
    '{{ input.a }}',
    'x{{ ({}) + 1 }}',
    '{{ [2, 1].sort() }}',
  ]);
  expect(await evaluate(template, scope, { sandbox: counting })).toEqual([0, 1, 'x[object Object]1', [1, 2]]);
  expect(calls).toBe(1);
});

test('errors are alike in both lanes and carry the expression', async () => {
  const message = "Cannot read properties of undefined (reading 'b')";
  expect(() => value('{{ input.x.b }}')).toThrow(message);
  await expect(value('{{ new Object(input).x.b }}')).rejects.toMatchObject({
    ...{ name: 'ExpressionError', code: 'expression_failed', message, expression: 'new Object(input).x.b' },
  });
});

test('work that is too much for the event loop is done by the sandbox, with the same answer', async () => {
  const list = Array.from({ length: 400 }, (_, n) => n);
  const template = compileTemplate(
    '{{ input.map((a) => input.filter((b) => b < a).length).reduce((a, b) => a + b, 0) }}',
  );
  const result = evaluate(template, { ...scope, input: list }, { sandbox });
  expect(result).toBeInstanceOf(Promise);
  expect(await result).toBe((400 * 399) / 2);
  const huge = compileTemplate('{{ input.map(() => input) }}');
  await expect(evaluate(huge, { ...scope, input: list.map(String) }, { sandbox })).resolves.toHaveLength(400);
  const tooHuge = { ...scope, input: list.map((n) => `${n}`.repeat(10)) };
  await expect(evaluate(huge, tooHuge, { sandbox })).rejects.toMatchObject({ code: 'expression_failed' });
});

test('every syntax error is reported with its path, expression and place', () => {
  const errors = templateErrors({
    a: ['ok {{ 1 }}', 'x {{ 1 + }} y'],
    b: { c: '{{ }}', d: '{{ input.a', e: '{{ 1 2 }}', f: '{{ import.meta }}' },
  });
  expect(errors.map(({ path, expression, offset }) => ({ path, expression, offset }))).toEqual([
    { path: ['a', 1], expression: '1 +', offset: 9 },
    { path: ['b', 'c'], expression: '', offset: 2 },
    { path: ['b', 'd'], expression: 'input.a', offset: 10 },
    { path: ['b', 'e'], expression: '1 2', offset: 5 },
  ]);
  expect(() => compileTemplate('{{ 1 + }}')).toThrow(errors[0]?.message);
  expect(templateErrors({ a: 1, b: '{{ input }}' })).toEqual([]);
  expect(templateErrors(`{{ ${'('.repeat(9000)} }}`)).toHaveLength(1);
  expect(templateErrors(`{{ "${'x'.repeat(10_000)}" }}`)).toMatchObject([
    { message: expect.stringContaining('longer than') },
  ]);
});

test('the ids of nodes are known statically, and only those that name a node for certain', () => {
  const ids = (source: string) => [...compileTemplate(`{{ ${source} }}`).nodeIds];
  expect(ids(`nodes.a.b + nodes['c d'] + input.nodes.no + { nodes: 1 }.nodes + nodes?.e`)).toEqual(
    expect.arrayContaining(['a', 'c d', 'e']),
  );
  expect(ids('input.nodes.no + "nodes.no"')).toEqual([]);
  expect(ids('input.map((nodes) => nodes.no)')).toEqual([]);
  expect(ids('nodes[input.a]')).toEqual([]);
});

test('code bodies are checked as function bodies', () => {
  expect(codeError('const x = await input.a;\nreturn x')).toBeUndefined();
  expect(codeError('return 1 +')).toMatchObject({ offset: 10 });
  expect(codeError('const a = 1;\nconst a = 2')).toMatchObject({ offset: 19 });
  expect(codeError('} + (() => {')).toBeDefined();
  expect(codeError('}); (() => {')).toBeDefined();
  expect(codeError('import fs from "node:fs"')).toBeDefined();
  expect(codeError('x'.repeat(100_001))).toMatchObject({ message: expect.stringContaining('longer than') });
});

test('any text compiles or gives a syntax error, and text without braces is itself', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '{',
    '}',
    '"',
    "'",
    '`',
    '${',
    '/',
    'input',
    '.a',
    ' ',
    '\n',
    '(',
    ')',
    '[',
    '//',
    '/*',
    '*/',
    '1',
    '\\',
    '=>',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const errors = templateErrors({ text });
      for (const { offset, path } of errors) {
        expect(path).toEqual(['text']);
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset).toBeLessThanOrEqual(text.length);
      }
      if (!text.includes('{{')) expect(value(text)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});
