import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isJson, json } from './json.ts';
import { limits } from './limits.ts';

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

test('whatever JSON.parse gives within the bounds is JSON', () => {
  const texts = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0'));
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      texts,
      fc.double(),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(texts, tie('value'), { maxKeys: 4 }),
  })).value;
  fc.assert(fc.property(values, (value) => isJson(JSON.parse(JSON.stringify(value)))));
});

test('values of other kinds are not JSON, wherever they are', () => {
  const others = [
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    JSON.parse('1e999'),
    1n,
    () => 1,
    Symbol('a'),
    new Date(),
    /a/,
    new Map(),
    new Set(),
    new Error('a'),
    new URL('http://a/'),
    Object.create({ inherited: true }),
    Object.create(null),
    'a\0b',
    '\ud800',
    'a\udc00',
    { 'a\0b': 1 },
    { '\ud800': 1 },
  ];
  for (const other of others) {
    expect(isJson(other), String(typeof other)).toBe(false);
    expect(isJson([other])).toBe(false);
    if (other !== undefined) expect(isJson({ a: { b: other } })).toBe(false);
  }
  expect(isJson({ absent: undefined })).toBe(true);
});

test('a value may be as deep as the limit and no deeper, and a bomb costs nothing', () => {
  expect(isJson(nested(limits.jsonDepth))).toBe(true);
  expect(isJson(nested(limits.jsonDepth + 1))).toBe(false);
  const begun = performance.now();
  expect(isJson(nested(1_000_000))).toBe(false);
  expect(performance.now() - begun).toBeLessThan(2_000);
});

test('an own __proto__ key stays a key: nothing is polluted', () => {
  const value = json.parse(JSON.parse('{"__proto__": {"polluted": 1}}'));
  expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":1}}');
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});
