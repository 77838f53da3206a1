import { z } from 'zod';
import { limits } from './limits.ts';
import { isStorable } from './text.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function isPlain(value: object): value is Record<string, unknown> {
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** In place, without lists of names and values: an object of 1 MB may have a hundred thousand. */
function areJson(fields: Record<string, unknown>, depth: number): boolean {
  for (const name in fields) {
    const item = fields[name];
    if (!isStorable(name) || (item !== undefined && !isJson(item, depth))) return false;
  }
  return true;
}

/**
 * Whether a value is JSON that can be stored: no deeper than `limits.jsonDepth`, its texts without NUL and lone surrogates.
 * Stops at the bound, so a deep bomb costs nothing.
 */
export function isJson(value: unknown, depth: number = limits.jsonDepth): value is Json {
  switch (typeof value) {
    case 'string':
      return isStorable(value);
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      if (value === null) return true;
      if (depth === 0) return false;
      if (Array.isArray(value)) return value.every((item) => isJson(item, depth - 1));
      return isPlain(value) && areJson(value, depth - 1);
    default:
      return false;
  }
}

/** What {@link isJson} accepts, for messages. */
export const jsonBounds = `JSON at most ${limits.jsonDepth} levels deep, without NUL characters and halves of surrogate pairs`;

/** Any JSON value. A custom check instead of `z.json()`: six times cheaper, and bounded in depth. */
export const json = z.custom<Json>((value) => isJson(value), {
  error: `must be ${jsonBounds}`,
});
