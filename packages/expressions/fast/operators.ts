import { spendChars } from './fuel.ts';
import { hasProperty } from './property.ts';
import { bail } from './signals.ts';
import { isPrimitive, numeric, primitive, type Value } from './value.ts';

type Binary = (a: Value, b: Value) => Value;

/** JavaScript's operators on primitives; operands that are objects are the sandbox's, except where their kind decides. */
export const BINARY: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  ['+', add],
  ['-', (a, b) => numeric(a) - numeric(b)],
  ['*', (a, b) => numeric(a) * numeric(b)],
  ['/', (a, b) => numeric(a) / numeric(b)],
  ['%', (a, b) => numeric(a) % numeric(b)],
  ['|', (a, b) => numeric(a) | numeric(b)],
  ['&', (a, b) => numeric(a) & numeric(b)],
  ['^', (a, b) => numeric(a) ^ numeric(b)],
  ['<<', (a, b) => numeric(a) << numeric(b)],
  ['>>', (a, b) => numeric(a) >> numeric(b)],
  ['>>>', (a, b) => numeric(a) >>> numeric(b)],
  ['===', strictlyEqual],
  ['!==', (a, b) => !strictlyEqual(a, b)],
  ['==', looselyEqual],
  ['!=', (a, b) => !looselyEqual(a, b)],
  ['<', (a, b) => order(a, b, (x, y) => x < y)],
  ['>', (a, b) => order(a, b, (x, y) => x > y)],
  ['<=', (a, b) => order(a, b, (x, y) => x <= y)],
  ['>=', (a, b) => order(a, b, (x, y) => x >= y)],
  ['in', (a, b) => hasProperty(b, a)],
]);

export const UNARY: ReadonlyMap<string, (a: Value) => Value> = new Map<string, (a: Value) => Value>([
  ['!', (a) => !a],
  ['-', (a) => -numeric(a)],
  ['+', (a) => numeric(a)],
  ['~', (a) => ~numeric(a)],
  ['typeof', (a) => typeof a],
  ['void', () => undefined],
]);

function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const left = primitive(a);
  const right = primitive(b);
  if (typeof left !== 'string' && typeof right !== 'string') return Number(left) + Number(right);
  const sum = String(left) + String(right);
  spendChars(sum.length);
  return sum;
}

function order(a: Value, b: Value, holds: (x: number | string, y: number | string) => boolean): boolean {
  if (typeof a === 'number' && typeof b === 'number') return holds(a, b);
  if (typeof a === 'string' && typeof b === 'string') {
    spendChars(Math.min(a.length, b.length));
    return holds(a, b);
  }
  return holds(numeric(a), numeric(b));
}

/** `===`. Two objects are left to the sandbox: whether the data shares them must not show. */
export function strictlyEqual(a: Value, b: Value): boolean {
  if (typeof a === 'string' && typeof b === 'string') spendChars(Math.min(a.length, b.length));
  if (!isPrimitive(a) && !isPrimitive(b)) return bail();
  return a === b;
}

function looselyEqual(a: Value, b: Value): boolean {
  if (typeof a === typeof b && a !== null && b !== null) return strictlyEqual(a, b);
  if (a === null || a === undefined || b === null || b === undefined) {
    return (a === null || a === undefined) && (b === null || b === undefined);
  }
  return numeric(a) === numeric(b);
}
