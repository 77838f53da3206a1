import { parse } from 'node:querystring';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { inputDecoder } from './input-decoder.ts';
import type { Operation } from './operations.ts';

type Field = { schema: z.ZodType; value: unknown };

function operation(method: 'GET' | 'POST', path: `/${string}`, inputs: z.ZodType[]): Operation {
  return {
    procedure: 'test',
    type: 'query',
    meta: { openapi: { method, path, tags: [], summary: '' } },
    inputs,
    output: undefined,
  };
}

function field(schema: z.ZodType, values: fc.Arbitrary<unknown>): fc.Arbitrary<Field> {
  return values.map((value) => ({ schema, value }));
}

const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const dates = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const bigints = fc.bigInt({ min: -(10n ** 99n), max: 10n ** 99n });
const modes = z.enum(['a', 'true', '5']);

const simple: fc.Arbitrary<Field> = fc.oneof(
  field(z.string(), fc.string({ unit: 'grapheme' })),
  field(z.string(), fc.constantFrom('true', '5', 'null', '{}', '2026-01-01', '')),
  field(z.number(), double),
  field(z.int(), fc.integer()),
  field(z.boolean(), fc.boolean()),
  field(z.bigint(), bigints),
  field(z.date(), dates),
  field(modes, fc.constantFrom('a', 'true', '5')),
  field(z.literal([5, 'x', true]), fc.constantFrom(5, 'x', true)),
  field(
    z.union([z.string().startsWith('s'), z.boolean(), z.number()]),
    fc.oneof(fc.constantFrom('s5', 'strue'), fc.boolean(), double),
  ),
);

const wrapped: fc.Arbitrary<Field> = simple.chain(({ schema, value }) =>
  fc.constantFrom(
    { schema, value },
    { schema: schema.optional(), value },
    { schema: schema.default(value).readonly(), value },
    { schema: z.lazy(() => schema), value },
    { schema: schema.refine(() => true), value },
    { schema: schema.pipe(z.unknown()), value },
  ),
);

const nullable = fc.oneof(field(z.number().nullable(), fc.option(double)), field(z.date().nullish(), fc.option(dates)));
const list = fc.oneof(
  field(z.array(z.string()), fc.array(fc.string(), { minLength: 1 })),
  field(z.array(z.number()).optional(), fc.array(double, { minLength: 1 })),
  field(z.array(z.date()), fc.array(dates, { minLength: 1 })),
  field(z.tuple([z.string(), z.boolean()]), fc.tuple(fc.string(), fc.boolean())),
  field(z.array(z.array(z.number())), fc.array(fc.array(double), { minLength: 1 })),
);
const structure = fc.oneof(
  field(
    z.object({ at: z.date(), list: z.array(z.object({ n: z.number() })) }),
    fc.record({ at: dates, list: fc.array(fc.record({ n: double })) }),
  ),
  field(
    z.record(z.string(), z.date()),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      dates,
    ),
  ),
  field(
    z.intersection(z.object({ a: z.date() }), z.object({ b: z.string() })),
    fc.record({ a: dates, b: fc.string() }),
  ),
);
const fields = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd e', 'ü&='),
  fc.oneof(wrapped, nullable, list, structure),
  { minKeys: 1 },
);

function text(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function queryString(record: Record<string, Field>): string {
  const pairs = Object.entries(record).flatMap(([name, { value }]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, text(one)] satisfies [string, string]),
  );
  return new URLSearchParams(pairs).toString();
}

test('whatever a schema accepts comes back from a query string as it was', () => {
  fc.assert(
    fc.property(fields, (record) => {
      const schema = z.object(Object.fromEntries(Object.entries(record).map(([name, { schema }]) => [name, schema])));
      const decode = inputDecoder(operation('GET', '/x', [schema]), '/x');
      const decoded = decode({ params: {}, query: parse(queryString(record)), body: undefined });
      expect(schema.parse(decoded)).toEqual(
        Object.fromEntries(Object.entries(record).map(([name, { value }]) => [name, value])),
      );
    }),
    { numRuns: 300 },
  );
});

test('whatever a schema accepts comes back from a JSON body as it was', () => {
  const json = z.object({
    at: z.date(),
    kind: z.discriminatedUnion('k', [
      z.object({ k: z.literal('date'), v: z.date() }),
      z.object({ k: z.literal('text'), v: z.string() }),
    ]),
    text: z.string(),
    list: z.array(z.record(z.string(), z.date().nullable())),
    big: z.bigint().optional(),
  });
  const key = fc.string().filter((one) => one !== '__proto__');
  const values = fc.record({
    at: dates,
    kind: fc.oneof(
      fc.record({ k: fc.constant('date'), v: dates }),
      fc.record({ k: fc.constant('text'), v: dates.map((date) => date.toISOString()) }),
    ),
    text: dates.map((date) => date.toISOString()),
    list: fc.array(fc.dictionary(key, fc.option(dates))),
    big: bigints,
  });
  const decode = inputDecoder(operation('POST', '/x', [json]), '/x');
  fc.assert(
    fc.property(values, (value) => {
      const sent: unknown = JSON.parse(
        JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one)),
      );
      const plain = (one: unknown) =>
        JSON.parse(JSON.stringify(one, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner)));
      const decoded = json.parse(decode({ params: {}, query: {}, body: sent }));
      expect(decoded.at).toEqual(value.at);
      expect(decoded.kind).toEqual({ ...value.kind });
      expect(decoded.big).toBe(value.big);
      expect(plain(decoded)).toEqual(sent);
    }),
    { numRuns: 200 },
  );
});

test('an input that is one of several objects takes the parameters of all of them', () => {
  const either = z.discriminatedUnion('by', [
    z.object({ by: z.literal('id'), id: z.number() }),
    z.object({ by: z.literal('name'), id: z.string().optional() }),
  ]);
  const decode = inputDecoder(operation('GET', '/x', [either]), '/x');
  expect(decode({ params: {}, query: { by: 'id', id: '5' }, body: undefined })).toEqual({ by: 'id', id: 5 });
});

test('several inputs of one procedure are fed the same object', () => {
  const decode = inputDecoder(
    operation('GET', '/t/{team}', [z.object({ team: z.number() }), z.object({ on: z.boolean() })]),
    '/t/{team}',
  );
  expect(decode({ params: { team: '7' }, query: { on: 'false' }, body: undefined })).toEqual({ team: 7, on: false });
});

test('an input that may be absent is absent when nothing is sent', () => {
  const decode = inputDecoder(operation('GET', '/x', [z.object({ a: z.string() }).optional()]), '/x');
  expect(decode({ params: {}, query: {}, body: undefined })).toBeUndefined();
});

test('a body may be something else than an object where the path has no parameters', () => {
  const decode = inputDecoder(operation('POST', '/x', [z.array(z.date())]), '/x');
  expect(decode({ params: {}, query: {}, body: ['2026-01-01'] })).toEqual([new Date('2026-01-01')]);
});

test('declarations that cannot work are refused at once', () => {
  expect(() => inputDecoder(operation('GET', '/x/{id}', [z.object({})]), '/x/{id}')).toThrow('{id}');
  expect(() => inputDecoder(operation('GET', '/x/{id}', []), '/x/{id}')).toThrow('takes no input');
  expect(() => inputDecoder(operation('GET', '/x', [z.string()]), '/x')).toThrow('not an object');
});

test('a date on a day that does not exist, and text that only looks like a number, stay text', () => {
  const decode = inputDecoder(operation('GET', '/x', [z.object({ at: z.date(), n: z.number(), b: z.bigint() })]), '/x');
  const query = { at: '2026-02-30T00:00:00Zjunk', n: '1_000', b: '9'.repeat(101) };
  expect(decode({ params: {}, query, body: undefined })).toEqual(query);
});
