import * as fc from 'fast-check';
import type { Json } from '../json.ts';
import type { Scope } from '../scope.ts';

const KEYS = ['a', 'b', 'name', 'list', 'length', 'toString', '0', 'constructor'];
const WORDS = ['', 'a', 'b,c', 'Ünï ß', '12', ' 3.5 ', '0x1f', 'null', '😀x', '\ud800', 'aXbXc', '1e21', '-0', 'true'];
const NUMBERS = ['0', '1', '2', '-1', '3', '0.1', '1.005', '1e21', '1e-7', '123456789', '4294967296', '0.5', '2.5'];

const text = fc.constantFrom(...WORDS).map((word) => JSON.stringify(word));
const number = fc.constantFrom(...NUMBERS).map((digits) => `(${digits})`);
const key = fc.constantFrom(...KEYS.filter((name) => name !== '0'));
const binary = fc.constantFrom(
  ...['+', '-', '*', '/', '%', '|', '&', '^', '<<', '>>', '>>>', '===', '!==', '==', '!=', '<', '>', '<=', '>=', 'in'],
);
const unary = fc.constantFrom('!', '-', '+', '~', 'typeof ', 'void ');
const STRING_CALLS = ['toUpperCase()', 'toLowerCase()', 'trim()', 'trimStart()', 'trimEnd()', 'toString()'];
const NUMBER_ARGUMENT_CALLS = [
  'slice',
  'substring',
  'at',
  'charAt',
  'charCodeAt',
  'codePointAt',
  'repeat',
  'toFixed',
  'padEnd',
  'flat',
];
const STRING_ARGUMENT_CALLS = [
  'includes',
  'startsWith',
  'endsWith',
  'indexOf',
  'lastIndexOf',
  'split',
  'concat',
  'join',
];
const CALLBACK_CALLS = ['map', 'filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'some', 'every', 'flatMap'];
const FUNCTIONS = [
  ...['String', 'Number', 'Boolean', 'isNaN', 'isFinite', 'parseInt', 'parseFloat', 'encodeURIComponent'],
  ...[
    'Math.abs',
    'Math.ceil',
    'Math.floor',
    'Math.round',
    'Math.trunc',
    'Math.sign',
    'Math.sqrt',
    'Math.max',
    'Math.min',
  ],
  ...[
    'Object.keys',
    'Object.values',
    'Object.entries',
    'Object.fromEntries',
    'Array.isArray',
    'JSON.stringify',
    'JSON.parse',
  ],
  ...[
    'Number.isInteger',
    'Number.isFinite',
    'Number.isNaN',
    'Number.parseFloat',
    'Number.parseInt',
    'decodeURIComponent',
  ],
];

/** Sources of expressions in the fast lane's grammar, wrong uses (a method of the wrong kind, a missing property) included. */
export const expressionSource: fc.Arbitrary<string> = fc.letrec<{ any: string; leaf: string }>((tie) => {
  const any = tie('any');
  const calls = fc.oneof(
    fc.constantFrom(...STRING_CALLS),
    fc.tuple(fc.constantFrom(...NUMBER_ARGUMENT_CALLS), fc.oneof(number, any)).map(([name, arg]) => `${name}(${arg})`),
    fc.tuple(fc.constantFrom(...STRING_ARGUMENT_CALLS), fc.oneof(text, any)).map(([name, arg]) => `${name}(${arg})`),
    fc
      .tuple(fc.constantFrom('replace', 'replaceAll', 'padStart'), any, text)
      .map(([name, a, b]) => `${name}(${a}, ${b})`),
    fc.tuple(fc.constantFrom(...CALLBACK_CALLS), any).map(([name, body]) => `${name}((x, i) => (${body}))`),
    fc
      .tuple(any, fc.option(any))
      .map(([body, start]) => `reduce((x, i) => (${body})${start === null ? '' : `, ${start}`})`),
    fc.constantFrom('filter(Boolean)', 'map(String)', 'toReversed()', 'slice()', 'at(-1)', 'concat([1], 2)'),
  );
  const leaf = fc.oneof(
    text,
    number,
    fc.constantFrom(
      'null',
      'undefined',
      'true',
      'false',
      'NaN',
      'Infinity',
      'index',
      'item',
      'vars',
      'run.id',
      'x',
      'i',
    ),
    key.map((name) => `input.${name}`),
    key.map((name) => `nodes.n.${name}`),
    fc.constantFrom(
      'input',
      'nodes.missing',
      'input.list',
      '[]',
      '[3, 1, 2]',
      '({})',
      '{"a": 1}'.replace(/.*/, '({ a: 1 })'),
    ),
  );
  const compound = fc.oneof(
    fc.tuple(any, binary, any).map(([a, operator, b]) => `((${a}) ${operator} (${b}))`),
    fc.tuple(unary, any).map(([operator, a]) => `(${operator}(${a}))`),
    fc.tuple(any, fc.constantFrom('&&', '||', '??'), any).map(([a, operator, b]) => `((${a}) ${operator} (${b}))`),
    fc.tuple(any, any, any).map(([a, b, c]) => `((${a}) ? (${b}) : (${c}))`),
    fc.tuple(any, key).map(([a, name]) => `(${a}).${name}`),
    fc.tuple(any, key, key).map(([a, name, other]) => `(${a})?.${name}.${other}`),
    fc.tuple(any, any).map(([a, b]) => `(${a})[${b}]`),
    fc.tuple(any, calls).map(([a, call]) => `(${a}).${call}`),
    fc.tuple(any, calls, key).map(([a, call, name]) => `(${a})?.${call}.${name}`),
    fc.tuple(fc.constantFrom(...FUNCTIONS), any).map(([name, a]) => `${name}(${a})`),
    fc.tuple(any, any).map(([a, b]) => `[${a}, ${b}, ...(${a})]`),
    fc.tuple(any, any).map(([a, b]) => `({ a: ${a}, [${b}]: 1, ...(${b}) })`),
    fc.tuple(any, any).map(([a, b]) => `\`<\${${a}}|\${${b}}>\``),
  );
  return { leaf, any: fc.oneof({ maxDepth: 4, depthSize: 'small', withCrossShrink: true }, leaf, compound) };
}).any;

const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<Json[]>(null, true, false, 0, -1, 1.5, 1e21, 12, ...WORDS),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS, '__proto__'), tie('value'), { maxKeys: 4 }),
  ),
})).value;

export const anyScope: fc.Arbitrary<Scope> = fc.record({
  input: fc.oneof(
    json,
    fc.record({ a: json, b: json, name: fc.constantFrom(...WORDS), list: fc.array(json, { maxLength: 5 }) }),
  ),
  nodes: fc.record({ n: json }),
  vars: fc.constant({ a: 'v' }),
  run: fc.constant({ id: 'r1' }),
  item: json,
  index: fc.nat(5),
});
