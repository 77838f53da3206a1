import { createHash } from 'node:crypto';
import type pg from 'pg';

// A builder's statement has the same text every time; past this many texts somebody interpolates values into SQL.
const most = 500;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  let name = names.get(text);
  if (name === undefined && names.size < most) {
    name = `q${createHash('sha1').update(text).digest('hex').slice(0, 20)}`;
    names.set(text, name);
  }
  return name;
}

/**
 * Makes a connection prepare each parametrised statement the first time and reuse the plan after, which the query builder
 * does not ask for by itself: it saves the parse and plan of every repeated query.
 */
export function prepareRepeated(client: pg.ClientBase): void {
  const query = client.query.bind(client);
  const prepared = (text: unknown, values: unknown, ...rest: unknown[]) => {
    const name = typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined;
    return Reflect.apply(query, client, name ? [{ name, text, values }, ...rest] : [text, values, ...rest]);
  };
  Object.assign(client, { query: prepared });
}
