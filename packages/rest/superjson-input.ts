import { isRecord } from './record.ts';

// superjson lets the sender choose what the receiver builds: RegExp, Error, Map, typed arrays, an integer of any length
// (quadratic to parse). Inputs are JSON with dates; nothing else has a reason to arrive.
const notInJson = new Set(['NaN', 'Infinity', '-Infinity', '-0']);
const integer = /^-?\d{1,100}$/;

/** An input that asks for types it may not have, or is not in superjson's form. */
export class UnsafeInputError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'UnsafeInputError';
  }
}

function revive(type: unknown, value: unknown): unknown {
  if (type === 'undefined') return undefined;
  if (typeof value === 'string') {
    if (type === 'Date' && value.length <= 40) return new Date(value);
    if (type === 'bigint' && integer.test(value)) return BigInt(value);
    if (type === 'number' && notInJson.has(value)) return Number(value);
  }
  throw new UnsafeInputError(`An input may not hold a ${String(type).slice(0, 40)}; send JSON and dates.`);
}

/** Splits `a.b\.c` at its unescaped dots. */
function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  let segment = '';
  for (let i = 0; i < path.length; i++) {
    const char = path.charAt(i);
    if (char === '\\') {
      i++;
      segment += path.charAt(i);
    } else if (char === '.') {
      segments.push(segment);
      segment = '';
    } else segment += char;
  }
  return [...segments, segment];
}

type Place = { get: () => unknown; set: (value: unknown) => void };

function inside(container: unknown, key: string): Place {
  if (Array.isArray(container) && /^\d{1,7}$/.test(key) && Object.hasOwn(container, key)) {
    const index = Number(key);
    return {
      get: () => container[index],
      set: (value) => {
        container[index] = value;
      },
    };
  }
  if (isRecord(container) && Object.hasOwn(container, key) && key !== '__proto__') {
    return {
      get: () => container[key],
      set: (value) => {
        container[key] = value;
      },
    };
  }
  throw new UnsafeInputError('The input names a type for a value that it does not hold.');
}

function applyTypes(tree: unknown, place: Place): void {
  if (Array.isArray(tree) && tree.length === 1) {
    place.set(revive(tree[0], place.get()));
  } else if (isRecord(tree)) {
    for (const [path, inner] of Object.entries(tree)) {
      let at = place;
      for (const segment of segmentsOf(path)) at = inside(at.get(), segment);
      applyTypes(inner, at);
    }
  } else throw new UnsafeInputError('The input names types in a way that is not allowed.');
}

/**
 * Reads an input in superjson's form, allowing only what JSON has, `Date`, `undefined`, the numbers JSON lacks, and integers
 * of at most 100 digits. Changes the payload, which nobody else may hold. Which objects were the same one is not restored.
 *
 * @throws UnsafeInputError
 */
export function readSuperjson(payload: unknown): unknown {
  if (!isRecord(payload)) throw new UnsafeInputError('The input is not in superjson form: {json, meta?}.');
  const { meta } = payload;
  if (meta === undefined) return payload.json;
  if (!isRecord(meta)) throw new UnsafeInputError('The meta of the input is not an object.');
  let { json } = payload;
  if (meta.values !== undefined) {
    applyTypes(meta.values, {
      get: () => json,
      set: (value) => {
        json = value;
      },
    });
  }
  return json;
}
