import { isDeepStrictEqual } from 'node:util';
import type { Json } from '@flowplane/contract/json';
import type { ValueChange } from '@flowplane/contract/workflow-diff';

type Fields = { [key: string]: Json };

function isFields(value: Json | undefined): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A key as it is written in a JSON Pointer. https://www.rfc-editor.org/rfc/rfc6901#section-3 */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function own(fields: Fields, key: string): Json | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/**
 * The values that differ, at the deepest places that both have: within objects by key, within lists of the same length by
 * place. A list that is longer or shorter is one change. The order of keys is no difference.
 *
 * @param path of the values, as a JSON Pointer.
 */
export function diffValues(from: Json | undefined, to: Json | undefined, path: string): ValueChange[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (Array.isArray(from) && Array.isArray(to) && from.length === to.length) {
    return from.flatMap((value, index) => diffValues(value, to[index], `${path}/${index}`));
  }
  if (isFields(from) && isFields(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => diffValues(own(from, key), own(to, key), `${path}/${escaped(key)}`));
  }
  return [{ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
}
