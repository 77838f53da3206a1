import fc from 'fast-check';

/** A schema, or anything else that was found where one should be. */
export type Schema = { [key: string]: unknown };

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** What programs choke on: NUL, halves of surrogate pairs, names of Object's members, numbers at their ends. */
const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\udc00x',
    '__proto__',
    'constructor',
    '{{ }}',
    '{{ (() => { while (true) {} })( }}',
    "'; drop table workflows; --",
    '\u202e\ufeff',
    -1,
    0,
    1.5,
    2 ** 31,
    2 ** 53,
    -(2 ** 63),
    1e308,
    true,
    [],
    {},
    [[]],
    { __proto__: 1, constructor: { prototype: {} } },
    'x'.repeat(5_000),
  ),
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

function stringOf(schema: Schema): fc.Arbitrary<unknown> {
  if (typeof schema.pattern === 'string') {
    const max = numberOf(schema.maxLength, 200);
    return fc.stringMatching(new RegExp(schema.pattern, 'u')).filter((text) => text.length <= max);
  }
  if (schema.format === 'uuid') return fc.uuid();
  if (schema.format === 'email') return fc.emailAddress();
  if (schema.format === 'date-time') {
    const from = { min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true };
    return fc.date(from).map((date) => date.toISOString());
  }
  const minLength = numberOf(schema.minLength, 0);
  const maxLength = Math.min(numberOf(schema.maxLength, 60), minLength + 60);
  return fc.oneof(fc.string({ minLength, maxLength }), fc.string({ unit: 'grapheme', minLength, maxLength }));
}

/** Arbitrary values of a document's schemas. */
export function valuesOf(components: Schema): (schema: unknown) => fc.Arbitrary<unknown> {
  const named = new Map<string, fc.Arbitrary<unknown>>();

  function ofReference(reference: string): fc.Arbitrary<unknown> {
    const name = reference.split('/').at(-1) ?? '';
    const known = named.get(name) ?? fitting(components[name]);
    named.set(name, known);
    return known;
  }

  function objectOf(schema: Schema): fc.Arbitrary<unknown> {
    const required = listOf(schema.required).map(String);
    const properties = Object.entries(isSchema(schema.properties) ? schema.properties : {});
    if (properties.length === 0 && isSchema(schema.additionalProperties)) {
      return fc.dictionary(fc.string({ maxLength: 10 }), fitting(schema.additionalProperties), { maxKeys: 4 });
    }
    const model = Object.fromEntries(properties.map(([name, property]) => [name, valueOrNasty(property)]));
    return fc.record(model, { requiredKeys: required.filter((name) => Object.hasOwn(model, name)) });
  }

  function ofType(schema: Schema): fc.Arbitrary<unknown> {
    switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
      case 'object':
        return objectOf(schema);
      case 'array': {
        const minLength = numberOf(schema.minItems, 0);
        return fc.array(fitting(schema.items), {
          minLength,
          maxLength: Math.min(minLength + 4, numberOf(schema.maxItems, 4)),
        });
      }
      case 'string':
        return stringOf(schema);
      case 'integer':
      case 'number':
        return fc.integer({ min: numberOf(schema.minimum, -(2 ** 31)), max: numberOf(schema.maximum, 2 ** 31) });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      default:
        return fc.jsonValue({ maxDepth: 3 });
    }
  }

  /** Values that a schema accepts. */
  function fitting(schema: unknown): fc.Arbitrary<unknown> {
    if (!isSchema(schema)) return fc.jsonValue({ maxDepth: 2 });
    if (typeof schema.$ref === 'string') return ofReference(schema.$ref);
    const examples = [...listOf(schema.examples), ...listOf(schema.enum), ...('const' in schema ? [schema.const] : [])];
    const choices = [...listOf(schema.oneOf), ...listOf(schema.anyOf)];
    if (Array.isArray(schema.enum) || 'const' in schema) return fc.constantFrom(...examples);
    const own = choices.length > 0 ? fc.oneof(...choices.map(fitting)) : ofType(schema);
    return examples.length > 0 ? fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...examples) }, own) : own;
  }

  /** Mostly values that a schema accepts. */
  function valueOrNasty(schema: unknown): fc.Arbitrary<unknown> {
    return fc.oneof({ weight: 12, arbitrary: fitting(schema) }, { weight: 1, arbitrary: nasty });
  }

  return valueOrNasty;
}

/** A body as text: the value, one that lost a field or has one too many, or none that JSON is. */
export function bodyTexts(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const text = value.map((body) => JSON.stringify(body) ?? '');
  const broken = fc.constantFrom(
    '',
    '{',
    '[',
    'null',
    '"x"',
    '[]',
    '{"__proto__":{}}',
    '['.repeat(50_000),
    'x'.repeat(1_100_000),
  );
  const extra = fc
    .tuple(value, fc.string({ maxLength: 8 }), nasty)
    .map(([body, name, more]) => JSON.stringify(isSchema(body) ? { ...body, [name]: more } : more) ?? '');
  const cut = text.map((whole) => whole.slice(0, -1));
  return fc.oneof(
    { weight: 30, arbitrary: text },
    { weight: 3, arbitrary: extra },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: broken },
  );
}
