import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { NodeError } from '../node-error.ts';
import { roomAfter } from './json-size.ts';

/** The JSON text of a value of at most `most` bytes. @throws NodeError when it is larger, deeper or not JSON. */
export function textOf(value: Json, what: string, most: number = limits.valueBytes): string {
  if (roomAfter(value, most) < 0) throw tooLarge(what, most);
  if (!isJson(value)) throw new NodeError('invalid_value', `The ${what} is not ${jsonBounds}.`);
  const text = JSON.stringify(value);
  if (text.length > most || Buffer.byteLength(text) > most) throw tooLarge(what, most);
  return text;
}

function tooLarge(what: string, most: number): NodeError {
  return new NodeError(
    'value_too_large',
    `The ${what} has more than ${most} bytes of JSON; keep large data elsewhere and pass a reference.`,
  );
}
