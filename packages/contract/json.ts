import { z } from 'zod';
import { limits } from './limits.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Whether a value is JSON no deeper than `limits.jsonDepth`. Stops at the bound, so a deep bomb costs nothing. */
export function isJson(value: unknown, depth: number = limits.jsonDepth): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      if (value === null) return true;
      if (depth === 0) return false;
      if (Array.isArray(value)) return value.every((item) => isJson(item, depth - 1));
      if (Object.getPrototypeOf(value) !== Object.prototype) return false;
      return Object.values(value).every((item) => item === undefined || isJson(item, depth - 1));
    default:
      return false;
  }
}

/** Any JSON value. A custom check instead of `z.json()`: six times cheaper, and bounded in depth. */
export const json = z.custom<Json>((value) => isJson(value), {
  error: `must be a JSON value at most ${limits.jsonDepth} levels deep`,
});
