import type { Json } from '@flowplane/contract/json';
import { z } from 'zod';

const pattern = /^[\p{L}\p{N}_$-]+(?:\.[\p{L}\p{N}_$-]+)*$/u;

/** Whether a text is a path such as `customer.name` or `lines.0.price`. */
export function isPath(text: string): boolean {
  return pattern.test(text);
}

/** A path into a JSON value. */
export const path = z
  .string()
  .max(200)
  .refine(isPath, { error: 'must be a path such as customer.name or lines.0.price' });

/** What is at a path; null where nothing is. Only the value's own properties, so nothing of JavaScript's can be reached. */
export function readPath(value: Json, at: string): Json {
  let current: unknown = value;
  for (const name of at.split('.')) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, name)) return null;
    current = Reflect.get(current, name);
  }
  return isValue(current) ? current : null;
}

/** What is read from JSON is JSON; only an absent value is not. */
function isValue(value: unknown): value is Json {
  return value !== undefined;
}
