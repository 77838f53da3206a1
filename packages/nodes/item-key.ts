import type { Json } from '@flowplane/contract/json';
import { NodeError } from '@flowplane/engine/node-error';
import { kindOf } from './compare.ts';

/**
 * A text that is the same for equal keys and no others; the number 1 and the text "1" are not equal.
 *
 * @throws NodeError `invalid_key` for a list or an object; `where` names the param, `index` the item.
 */
export function keyText(value: Json, where: string, index: number): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const message = `${where} of item ${index} is ${kindOf(value)}; a key must be a text, a number, true or false, or missing`;
  throw new NodeError('invalid_key', message);
}
