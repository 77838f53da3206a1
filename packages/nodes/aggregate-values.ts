import type { Json } from '@flowplane/contract/json';
import { NodeError } from '@flowplane/engine/node-error';
import { compareValues, kindOf } from './compare.ts';
import { keyText } from './item-key.ts';

/** A value of an item, with the item's place in the whole list for messages. */
type Placed = { value: Json; index: number };

export const aggregations = ['count', 'sum', 'avg', 'min', 'max', 'first', 'last', 'collect', 'countDistinct'] as const;
export type Aggregation = (typeof aggregations)[number];

function total(values: Placed[], where: string): number {
  let sum = 0;
  for (const { value, index } of values) {
    if (typeof value !== 'number') {
      const message = `${where} of item ${index} is ${kindOf(value)}, not a number; convert it, e.g. {{ Number(item.price) }}`;
      throw new NodeError('not_a_number', message);
    }
    sum += value;
  }
  if (Number.isFinite(sum)) return sum;
  throw new NodeError('number_too_large', `${where}: the sum is larger than the largest number, 1.8e308`);
}

function extreme(values: Placed[], sign: 1 | -1): Json {
  const [first, ...others] = values;
  let best = first?.value ?? null;
  for (const { value } of others) if (compareValues(value, best) * sign > 0) best = value;
  return best;
}

/**
 * One aggregated value of a group. Missing values count only for `first`, `last` and `collect`, which take the group as it is.
 *
 * @throws NodeError `not_a_number`, `number_too_large` or `invalid_key`; `where` names the param.
 */
export function aggregateValues(op: Aggregation, group: Placed[], where: string): Json {
  const present = group.filter(({ value }) => value !== null);
  switch (op) {
    case 'count':
      return present.length;
    case 'sum':
      return total(present, where);
    case 'avg':
      return present.length === 0 ? null : total(present, where) / present.length;
    case 'min':
      return extreme(present, -1);
    case 'max':
      return extreme(present, 1);
    case 'first':
      return group[0]?.value ?? null;
    case 'last':
      return group.at(-1)?.value ?? null;
    case 'collect':
      return group.map(({ value }) => value);
    case 'countDistinct':
      return new Set(present.map(({ value, index }) => keyText(value, where, index))).size;
  }
}
