import type { $ZodType } from 'zod/v4/core';
import { parseJson } from './json.ts';
import { accepts, type Decode, decodeBigInt, decodeDate, jsonDecoder, unchanged } from './json-decoder.ts';
import { definitionOf, innerSchemas } from './schema.ts';

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i;

function decodeNumber(value: unknown): unknown {
  if (typeof value !== 'string' || !number.test(value)) return value;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : value;
}

function decodeBoolean(value: unknown): unknown {
  if (value === 'true') return true;
  return value === 'false' ? false : value;
}

function decodeOneOf(values: readonly unknown[]): Decode {
  return (value) => {
    if (values.includes(value)) return value;
    const index = values.findIndex((one) => String(one) === value);
    return index === -1 ? value : values[index];
  };
}

/** JSON text of an object, or of an array inside an array. */
function decodeStructure(schema: $ZodType): Decode {
  const inner = jsonDecoder(schema);
  return (value) => {
    if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
    try {
      return inner(parseJson(value));
    } catch {
      return value;
    }
  };
}

function decodeElement(schema: $ZodType): Decode {
  const def = definitionOf(schema);
  return def.type === 'array' || def.type === 'tuple' ? decodeStructure(schema) : textDecoder(schema);
}

const textual = new Set(['string', 'any', 'unknown', 'template_literal', 'custom']);
const wrappers = new Set([
  'optional',
  'nullable',
  'default',
  'prefault',
  'nonoptional',
  'readonly',
  'catch',
  'pipe',
  'lazy',
]);

function takesText(schema: $ZodType): boolean {
  const { type } = definitionOf(schema);
  return textual.has(type) || (wrappers.has(type) && innerSchemas(schema, 'input').some(takesText));
}

/** The first of several schemas that takes what it makes of the text; those that take any text come last. */
export function firstThatAccepts(schemas: readonly $ZodType[]): Decode {
  const options = [...schemas]
    .sort((a, b) => Number(takesText(a)) - Number(takesText(b)))
    .map((schema) => ({ schema, decode: textDecoder(schema) }));
  const only = options.length === 1 ? options[0] : undefined;
  if (only) return only.decode;
  return (value) => {
    for (const { schema, decode } of options) {
      const candidate = decode(value);
      if (accepts(schema, candidate)) return candidate;
    }
    return value;
  };
}

function decodeNullable(schema: $ZodType): Decode {
  const decode = textDecoder(schema);
  return (value) => (value === 'null' && !accepts(schema, decode(value)) ? null : decode(value));
}

function deferred(build: () => Decode): Decode {
  let built: Decode | undefined;
  return (value) => {
    built ??= build();
    return built(value);
  };
}

/**
 * The decoder of text (a string, or several for a repeated query parameter) for a schema: `false` is false where the schema
 * says boolean and a string where it says string. Objects are JSON; arrays are repeated parameters. The schema is only read.
 */
export function textDecoder(schema: $ZodType): Decode {
  const def = definitionOf(schema);
  switch (def.type) {
    case 'number':
      return decodeNumber;
    case 'boolean':
      return decodeBoolean;
    case 'bigint':
      return decodeBigInt;
    case 'date':
      return decodeDate;
    case 'null':
      return decodeOneOf([null]);
    case 'literal':
      return decodeOneOf(def.values);
    case 'enum':
      return decodeOneOf(Object.values(def.entries));
    case 'nullable':
      return decodeNullable(def.innerType);
    case 'array': {
      const element = decodeElement(def.element);
      return (value) => (Array.isArray(value) ? value : [value]).map(element);
    }
    case 'tuple': {
      const items = def.items.map(decodeElement);
      const rest = def.rest ? decodeElement(def.rest) : unchanged;
      return (value) => (Array.isArray(value) ? value : [value]).map((one, i) => (items[i] ?? rest)(one));
    }
    case 'object':
    case 'record':
    case 'intersection':
      return decodeStructure(schema);
    case 'union':
      return firstThatAccepts(def.options);
    case 'lazy':
      return deferred(() => textDecoder(def.getter()));
    default: {
      const inner = innerSchemas(schema, 'input')[0];
      return inner ? textDecoder(inner) : unchanged;
    }
  }
}
