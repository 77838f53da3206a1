import { type $ZodType, safeParse } from 'zod/v4/core';
import { isRecord } from './record.ts';
import { definitionOf, innerSchemas, reaches } from './schema.ts';

/** Turns a value as it arrived into what the schema's type means; what cannot be turned stays, so that zod reports it. */
export type Decode = (value: unknown) => unknown;

export function unchanged(value: unknown): unknown {
  return value;
}

const decoded = new Set(['date', 'bigint']);
const isoDate = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;
// Parsing a big integer is quadratic in its digits.
const integer = /^-?\d{1,100}$/;

/** An ISO 8601 date or date and time as `Date`. */
export function decodeDate(value: unknown): unknown {
  if (typeof value !== 'string' || !isoDate.test(value)) return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}

/** Decimal digits (at most 100), or a safe integer, as `bigint`. */
export function decodeBigInt(value: unknown): unknown {
  if (typeof value === 'string' && integer.test(value)) return BigInt(value);
  return Number.isSafeInteger(value) && typeof value === 'number' ? BigInt(value) : value;
}

/** Whether a schema takes a value as it is. A schema that can only be asked asynchronously takes nothing. */
export function accepts(schema: $ZodType, value: unknown): boolean {
  try {
    return safeParse(schema, value).success;
  } catch {
    return false;
  }
}

function eachOwn(value: unknown, decoderOf: (key: string) => Decode | undefined): unknown {
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) copy[key] = (decoderOf(key) ?? unchanged)(inner);
  return copy;
}

type Known = Map<$ZodType, Decode>;

function build(schema: $ZodType, known: Known): Decode {
  const def = definitionOf(schema);
  switch (def.type) {
    case 'date':
      return decodeDate;
    case 'bigint':
      return decodeBigInt;
    case 'object': {
      const fields = new Map(Object.entries(def.shape).map(([key, field]) => [key, decoder(field, known)]));
      const rest = def.catchall && decoder(def.catchall, known);
      return (value) => eachOwn(value, (key) => fields.get(key) ?? rest);
    }
    case 'record': {
      const inner = decoder(def.valueType, known);
      return (value) => eachOwn(value, () => inner);
    }
    case 'array': {
      const element = decoder(def.element, known);
      return (value) => (Array.isArray(value) ? value.map(element) : value);
    }
    case 'tuple': {
      const items = def.items.map((item) => decoder(item, known));
      const rest = def.rest ? decoder(def.rest, known) : unchanged;
      return (value) => (Array.isArray(value) ? value.map((item, i) => (items[i] ?? rest)(item)) : value);
    }
    case 'union': {
      const options = def.options.map((option) => ({ option, decode: decoder(option, known) }));
      return (value) => {
        for (const { option, decode } of options) {
          const candidate = decode(value);
          if (accepts(option, candidate)) return candidate;
        }
        return value;
      };
    }
    default: {
      const inner = innerSchemas(schema, 'input').map((next) => decoder(next, known));
      return (value) => inner.reduce((current, decode) => decode(current), value);
    }
  }
}

function decoder(schema: $ZodType, known: Known): Decode {
  if (!reaches(schema, decoded, 'input')) return unchanged;
  const seen = known.get(schema);
  if (seen) return seen;
  let built: Decode | undefined;
  // A recursive schema meets itself while it is being built.
  known.set(schema, (value) => (built ? built(value) : value));
  built = build(schema, known);
  known.set(schema, built);
  return built;
}

/** The decoder of JSON values for a schema: ISO strings become `Date` and digits `bigint` only where the schema says so. */
export function jsonDecoder(schema: $ZodType): Decode {
  return decoder(schema, new Map());
}
