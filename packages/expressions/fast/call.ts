import type { CallExpression } from 'acorn';
import { ARRAY_METHODS } from './array-methods.ts';
import { CALLBACK_METHODS, compileCallback } from './callbacks.ts';
import type { compile as Compile, Compiler } from './compile.ts';
import { GLOBAL_FUNCTIONS, NAMESPACES } from './globals.ts';
import { compileItems } from './literal.ts';
import { NUMBER_METHODS } from './number-methods.ts';
import { bail, cannotRead, unsupported } from './signals.ts';
import { slotOf } from './slots.ts';
import { STRING_METHODS } from './string-methods.ts';
import { isArray, type Run, type Value } from './value.ts';

/** A call of a known method of a value. The receiver comes first, so that a chain can stop before it. */
type MethodCall = (target: Value, ...at: Parameters<Run>) => Value;

export function compileCall(node: CallExpression, compiler: Compiler, compile: typeof Compile): Run {
  const { callee } = node;
  if (callee.type === 'Identifier') return compileGlobalCall(callee.name, node, { compiler, compile });
  if (callee.type !== 'MemberExpression' || callee.object.type === 'Super') return unsupported();
  const { object, property } = callee;
  if (object.type === 'Identifier' && slotOf(compiler.names, object.name) === undefined) {
    const namespace = NAMESPACES.get(object.name);
    if (namespace) {
      if (callee.computed || property.type !== 'Identifier') return unsupported();
      const apply = namespace.get(property.name) ?? unsupported();
      const args = compileItems(node.arguments, compiler, compile);
      return (scope, locals) => apply(args(scope, locals));
    }
  }
  const target = compile(object, compiler);
  const call = compileMethodCall(node, compiler, compile);
  return (scope, locals) => call(target(scope, locals), scope, locals);
}

function compileGlobalCall(
  name: string,
  node: CallExpression,
  { compiler, compile }: { compiler: Compiler; compile: typeof Compile },
): Run {
  if (slotOf(compiler.names, name) !== undefined || node.optional) return unsupported();
  const apply = GLOBAL_FUNCTIONS.get(name) ?? unsupported();
  const args = compileItems(node.arguments, compiler, compile);
  return (scope, locals) => apply(args(scope, locals));
}

/** Methods are found by name in our tables, by the kind of the receiver: never by reading the property. */
export function compileMethodCall(node: CallExpression, compiler: Compiler, compile: typeof Compile): MethodCall {
  const { callee } = node;
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier')
    return unsupported();
  const { name } = callee.property;
  const overCallback = CALLBACK_METHODS.get(name);
  if (overCallback) {
    const [first, ...others] = node.arguments;
    if (!first || first.type === 'SpreadElement') return unsupported();
    const callback = compileCallback(first, compiler, compile);
    const rest = compileItems(others, compiler, compile);
    return (target, scope, locals) => {
      if (target === null || target === undefined) return cannotRead(target, name);
      if (!isArray(target)) return bail();
      return overCallback(target, callback(scope, locals), rest(scope, locals));
    };
  }
  const ofString = STRING_METHODS.get(name);
  const ofArray = ARRAY_METHODS.get(name);
  const ofNumber = NUMBER_METHODS.get(name);
  if (!ofString && !ofArray && !ofNumber) return unsupported();
  const args = compileItems(node.arguments, compiler, compile);
  return (target, scope, locals) => {
    if (target === null || target === undefined) return cannotRead(target, name);
    if (typeof target === 'string' && ofString) return ofString(target, args(scope, locals));
    if (typeof target === 'number' && ofNumber) return ofNumber(target, args(scope, locals));
    if (isArray(target) && ofArray) return ofArray(target, args(scope, locals));
    return bail();
  };
}
