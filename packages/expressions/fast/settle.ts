import type { Json } from '../json.ts';
import { MAX_RESULT_CHARS } from '../limits.ts';
import { spend } from './fuel.ts';
import { bail } from './signals.ts';
import { isArray, isPrimitive, type Primitive, type Value } from './value.ts';

/** Makes the result JSON, as `JSON.parse(JSON.stringify(value))` would (`undefined` at the top is null). */
export function settle(value: Value): Json {
  if (isPrimitive(value)) return settlePrimitive(value);
  return copy(value, { chars: 0, depth: 0 });
}

/** The same for what can only be a primitive or a part of the scope: no walk. */
export function settleBorrowed(value: Value): Json {
  return isPrimitive(value) ? settlePrimitive(value) : borrowed(value);
}

function settlePrimitive(value: Primitive): Json {
  if (typeof value === 'string') {
    if (value.length + 2 > MAX_RESULT_CHARS) bail();
    return value;
  }
  if (typeof value !== 'number') return value ?? null;
  // Adding zero turns -0, which JSON does not have, into 0.
  return Number.isFinite(value) ? value + 0 : null;
}

function borrowed(value: object): Json {
  return isJson(value) ? value : bail();
}

/** The scope is JSON by its type; a `Value` read from it is not, to the compiler. */
function isJson(value: unknown): value is Json {
  return typeof value === 'object';
}

/** The size matters: `input.map(() => input)` is small in memory and huge as text. The sandbox reports what is too large. */
function copy(value: Value, walk: { chars: number; depth: number }): Json {
  spend(1);
  if (isPrimitive(value)) {
    const json = settlePrimitive(value);
    walk.chars += typeof json === 'string' ? json.length + 3 : String(json).length + 1;
    if (walk.chars > MAX_RESULT_CHARS) bail();
    return json;
  }
  if (walk.depth > 200) return bail();
  walk.depth++;
  const result = isArray(value) ? value.map((item) => copy(item, walk)) : copyObject(value, walk);
  walk.depth--;
  walk.chars += 2;
  return result;
}

function copyObject(value: { readonly [key: string]: Value }, walk: { chars: number; depth: number }): Json {
  const result: { [key: string]: Json } = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item === undefined) continue;
    if (key === '__proto__') bail();
    walk.chars += key.length + 3;
    result[key] = copy(item, walk);
  }
  return result;
}
