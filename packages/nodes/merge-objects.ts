import type { Json } from '@flowplane/contract/json';

export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/**
 * Both objects in one, objects within them too; of anything else the later one stays. The keys are only data: `__proto__` becomes
 * an own property like any other.
 */
export function combined(earlier: JsonObject, later: JsonObject): JsonObject {
  const fields = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    const before = fields.get(key);
    fields.set(key, isObject(before) && isObject(value) ? combined(before, value) : value);
  }
  return Object.fromEntries(fields);
}
