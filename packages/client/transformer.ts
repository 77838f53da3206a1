import superjson, { type SuperJSONResult } from 'superjson';

function escapeKey(key: string): string {
  return key.replaceAll('\\', '\\\\').replaceAll('.', '\\.');
}

function datesIn(value: unknown, path: string, found: Record<string, ['Date']>): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Date) {
    found[path] = ['Date'];
    return;
  }
  for (const [key, inner] of Object.entries(value))
    datesIn(inner, path ? `${path}.${escapeKey(key)}` : escapeKey(key), found);
}

/**
 * superjson that also takes data with the keys `constructor` and `prototype`: its own `serialize` throws for them, although they
 * are harmless where values are only data. What it writes of JSON and dates is read by any superjson; a key `__proto__` is left
 * out by whoever reads.
 */
export const transformer = {
  serialize(value: unknown): SuperJSONResult {
    try {
      return superjson.serialize(value);
    } catch {
      const values: Record<string, ['Date']> = {};
      datesIn(value, '', values);
      const json: SuperJSONResult['json'] = JSON.parse(JSON.stringify(value));
      return Object.keys(values).length > 0 ? { json, meta: { values, v: 1 } } : { json };
    }
  },
  deserialize: superjson.deserialize,
};
