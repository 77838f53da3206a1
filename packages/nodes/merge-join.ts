import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { NodeError } from '@flowplane/engine/node-error';
import { keyText } from './item-key.ts';
import { checkCount } from './items.ts';
import type { JsonObject } from './merge-objects.ts';

export const joins = ['inner', 'left', 'outer'] as const;

type Side = { items: JsonObject[]; keys: Json[] };

/** No field takes less in the result's JSON than `"":0,`. */
const mostFields = limits.valueBytes / 5;

/**
 * Puts the items of two lists together whose keys are equal; a missing key equals nothing. In the order of the left list, then of
 * the right one; `left` keeps left items without a match, `outer` those of both. Where both have a field, the right one's stays.
 *
 * @throws NodeError `too_many_items`, `value_too_large` or `invalid_key`.
 */
export function joined(left: Side, right: Side, kind: (typeof joins)[number]): JsonObject[] {
  const places = new Map<string, number[]>();
  for (const [index, key] of right.keys.entries()) {
    if (key === null) continue;
    const text = keyText(key, 'params.on, in the second list,', index);
    const known = places.get(text);
    if (known) known.push(index);
    else places.set(text, [index]);
  }
  const rows: JsonObject[] = [];
  let fields = 0;
  const add = (item: JsonObject, other: JsonObject = {}) => {
    const row = { ...item, ...other };
    rows.push(row);
    checkCount(rows.length, 'The joined list');
    fields += Object.keys(row).length;
    if (fields <= mostFields) return;
    const message = 'The joined list has more fields than a result may hold; filter the lists first';
    throw new NodeError('value_too_large', message);
  };
  const matched = new Set<number>();
  for (const [index, item] of left.items.entries()) {
    const key = left.keys[index] ?? null;
    const matches = key === null ? [] : (places.get(keyText(key, 'params.on, in the first list,', index)) ?? []);
    for (const place of matches) {
      add(item, right.items[place]);
      matched.add(place);
    }
    if (matches.length === 0 && kind !== 'inner') add(item);
  }
  if (kind === 'outer') for (const [index, item] of right.items.entries()) if (!matched.has(index)) add(item);
  return rows;
}
