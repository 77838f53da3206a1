import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { NodeError } from '../node-error.ts';
import { roomAfter } from './json-size.ts';

/** The JSON text of a value within the bound. @throws NodeError when it is larger, deeper or not JSON. */
export function textOf(value: Json, what: string): string {
  if (roomAfter(value, limits.valueBytes) < 0) throw tooLarge(what);
  if (!isJson(value)) throw new NodeError('invalid_value', `The ${what} is not ${jsonBounds}.`);
  const text = JSON.stringify(value);
  if (text.length > limits.valueBytes || Buffer.byteLength(text) > limits.valueBytes) throw tooLarge(what);
  return text;
}

function tooLarge(what: string): NodeError {
  return new NodeError(
    'value_too_large',
    `The ${what} has more than ${limits.valueBytes} bytes of JSON; keep large data elsewhere and pass a reference.`,
  );
}
