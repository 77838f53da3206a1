import type { Json } from '../json.ts';
import { spend, spendChars } from './fuel.ts';
import { define } from './property.ts';
import { settle } from './settle.ts';
import { bail } from './signals.ts';
import { isArray, isPrimitive, numeric, text, type Value } from './value.ts';

type GlobalFunction = (args: readonly Value[]) => Value;
type FunctionTable = ReadonlyMap<string, GlobalFunction>;

export const GLOBAL_FUNCTIONS: FunctionTable = new Map<string, GlobalFunction>([
  ['String', (args) => (args.length === 0 ? '' : text(args[0]))],
  ['Number', (args) => (args.length === 0 ? 0 : number(args[0]))],
  ['Boolean', ([value]) => Boolean(value)],
  ['isNaN', ([value]) => Number.isNaN(number(value))],
  ['isFinite', ([value]) => Number.isFinite(number(value))],
  ['parseFloat', ([value]) => Number.parseFloat(charged(value))],
  ['parseInt', parseInteger],
  ['encodeURIComponent', ([value]) => encodeURIComponent(charged(value))],
  ['decodeURIComponent', ([value]) => decodeURIComponent(charged(value))],
]);

export const MATH_CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['PI', Math.PI],
  ['E', Math.E],
]);

/** Only what every engine computes to the same bit: the rest of Math is the sandbox's. */
const MATH: FunctionTable = new Map<string, GlobalFunction>([
  ['abs', ([value]) => Math.abs(numeric(value))],
  ['ceil', ([value]) => Math.ceil(numeric(value))],
  ['floor', ([value]) => Math.floor(numeric(value))],
  ['round', ([value]) => Math.round(numeric(value))],
  ['trunc', ([value]) => Math.trunc(numeric(value))],
  ['sign', ([value]) => Math.sign(numeric(value))],
  ['sqrt', ([value]) => Math.sqrt(numeric(value))],
  ['max', (args) => args.map(numeric).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)],
  ['min', (args) => args.map(numeric).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)],
]);

const OBJECT: FunctionTable = new Map<string, GlobalFunction>([
  ['keys', ([value]) => entries(value).map(([key]) => key)],
  ['values', ([value]) => entries(value).map(([, item]) => item)],
  ['entries', ([value]) => entries(value)],
  ['fromEntries', ([value]) => fromEntries(value)],
]);

const NUMBER: FunctionTable = new Map<string, GlobalFunction>([
  ['isInteger', ([value]) => Number.isInteger(value)],
  ['isFinite', ([value]) => Number.isFinite(value)],
  ['isNaN', ([value]) => Number.isNaN(value)],
  ['parseFloat', ([value]) => Number.parseFloat(charged(value))],
  ['parseInt', parseInteger],
]);

/** The functions that are reached through a global object. */
export const NAMESPACES: ReadonlyMap<string, FunctionTable> = new Map<string, FunctionTable>([
  ['Math', MATH],
  ['Object', OBJECT],
  ['Number', NUMBER],
  ['Array', new Map<string, GlobalFunction>([['isArray', ([value]) => isArray(value)]])],
  [
    'JSON',
    new Map<string, GlobalFunction>([
      ['stringify', (args) => (args.length === 1 ? stringify(args[0]) : bail())],
      ['parse', (args) => (args.length === 1 ? parse(args[0]) : bail())],
    ]),
  ],
]);

function charged(value: Value): string {
  const string = text(value);
  spendChars(string.length);
  return string;
}

function number(value: Value): number {
  if (typeof value === 'string') spendChars(value.length);
  return numeric(value);
}

function parseInteger([value, radix]: readonly Value[]): number {
  return Number.parseInt(charged(value), radix === undefined ? undefined : numeric(radix));
}

function entries(value: Value): [string, Value][] {
  if (isPrimitive(value)) return bail();
  const found = Object.entries(value);
  spend(found.length);
  return found;
}

function fromEntries(value: Value): Value {
  if (!isArray(value)) return bail();
  spend(value.length);
  const result: { [key: string]: Value } = {};
  for (const pair of value) {
    if (!isArray(pair)) return bail();
    define(result, text(pair[0]), pair[1]);
  }
  return result;
}

function stringify(value: Value): Value {
  if (value === undefined) return undefined;
  // Settling first bounds the size of the text.
  const result = JSON.stringify(isPrimitive(value) && typeof value !== 'string' ? value : settle(value));
  spendChars(result.length);
  return result;
}

function parse(value: Value): Value {
  const json: Json = JSON.parse(charged(value));
  return json;
}
