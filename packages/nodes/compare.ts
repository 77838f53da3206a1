import type { Json } from '@flowplane/contract/json';

function rank(value: Json): number {
  switch (typeof value) {
    case 'boolean':
      return 0;
    case 'number':
      return 1;
    case 'string':
      return 2;
    default:
      return 3;
  }
}

/**
 * The order of JSON values: false, true, numbers, texts by their UTF-16 units, then lists and objects, which are equal to each
 * other. Total, so that a sort of mixed values always ends the same. Null is the caller's to place.
 */
export function compareValues(a: Json, b: Json): number {
  const ranks = rank(a) - rank(b);
  if (ranks !== 0 || a === b || a === null || b === null) return ranks;
  if (typeof a === 'object' || typeof b === 'object') return 0;
  return a < b ? -1 : 1;
}

/** What a value is, in words. */
export function kindOf(value: Json): string {
  if (value === null) return 'missing';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number') return 'a number';
  if (typeof value === 'boolean') return 'true or false';
  return Array.isArray(value) ? 'a list' : 'an object';
}
