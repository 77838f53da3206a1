import type { Expression } from 'acorn';
import type { compile as Compile, Compiler } from './compile.ts';
import { spend } from './fuel.ts';
import { GLOBAL_FUNCTIONS } from './globals.ts';
import { bail, unsupported } from './signals.ts';
import { slotOf, withParameters } from './slots.ts';
import { type Callback, isArray, type Run, type Value } from './value.ts';

/** Converters that may be given by name, as in `list.filter(Boolean)`. */
const CONVERTERS = new Set(['Boolean', 'String', 'Number']);

/** Compiles an arrow function with an expression as its body and plain parameters, or the name of a converter. */
export function compileCallback(
  node: Expression,
  compiler: Compiler,
  compile: typeof Compile,
): (...at: Parameters<Run>) => Callback {
  if (node.type === 'Identifier' && CONVERTERS.has(node.name) && slotOf(compiler.names, node.name) === undefined) {
    const convert = GLOBAL_FUNCTIONS.get(node.name) ?? unsupported();
    return () => (item) => {
      spend(1);
      return convert([item]);
    };
  }
  if (node.type !== 'ArrowFunctionExpression' || node.async || node.body.type === 'BlockStatement')
    return unsupported();
  const parameters = node.params.map((param) => (param.type === 'Identifier' ? param.name : unsupported()));
  const { names, slots } = withParameters(compiler.names, parameters);
  const body = compile(node.body, { ...compiler, names });
  const [first, second, third, fourth] = slots;
  if (slots.length > 4) return unsupported();
  return (scope, locals) => (item, index, whole, extra) => {
    spend(1);
    if (first !== undefined) locals[first] = item;
    if (second !== undefined) locals[second] = index;
    if (third !== undefined) locals[third] = whole;
    if (fourth !== undefined) locals[fourth] = extra;
    return body(scope, locals);
  };
}

type OverCallback = (list: readonly Value[], call: Callback, rest: Value[]) => Value;

/** The array methods that take a callback; `thisArg` means nothing to an arrow function. */
export const CALLBACK_METHODS: ReadonlyMap<string, OverCallback> = new Map<string, OverCallback>([
  ['map', (list, call) => list.map((item, index) => call(item, index, list, undefined))],
  ['filter', (list, call) => list.filter((item, index) => call(item, index, list, undefined))],
  ['find', (list, call) => list.find((item, index) => call(item, index, list, undefined))],
  ['findIndex', (list, call) => list.findIndex((item, index) => call(item, index, list, undefined))],
  ['findLast', (list, call) => list.findLast((item, index) => call(item, index, list, undefined))],
  ['findLastIndex', (list, call) => list.findLastIndex((item, index) => call(item, index, list, undefined))],
  ['some', (list, call) => list.some((item, index) => call(item, index, list, undefined))],
  ['every', (list, call) => list.every((item, index) => call(item, index, list, undefined))],
  ['flatMap', (list, call) => list.flatMap((item, index) => flattened(call(item, index, list, undefined)))],
  ['reduce', reduce],
]);

function flattened(value: Value): Value | Value[] {
  if (!isArray(value)) return value;
  spend(value.length);
  return [...value];
}

function reduce(list: readonly Value[], call: Callback, rest: Value[]): Value {
  if (rest.length > 1 || (rest.length === 0 && list.length === 0)) return bail();
  let result = rest.length === 1 ? rest[0] : list[0];
  for (let index = rest.length === 1 ? 0 : 1; index < list.length; index++) {
    result = call(result, list[index], index, list);
  }
  return result;
}
