import type { CallExpression, ChainExpression, Expression, MemberExpression } from 'acorn';
import { compileMethodCall } from './call.ts';
import type { compile as Compile, Compiler } from './compile.ts';
import { MATH_CONSTANTS } from './globals.ts';
import { readComputed, readProperty } from './property.ts';
import { unsupported } from './signals.ts';
import { slotOf } from './slots.ts';
import type { Run, Value } from './value.ts';

/** What the rest of an optional chain yields after `?.` met nothing; only its identity counts. */
export const STOPPED: Value = Object.freeze([]);

export function compileMember(node: MemberExpression, compiler: Compiler, compile: typeof Compile): Run {
  const constant = mathConstant(node, compiler);
  if (constant !== undefined) return () => constant;
  const read = compileRead(node, compiler, compile);
  const object = compileObject(node, compiler, compile);
  return (scope, locals) => read(object(scope, locals), scope, locals);
}

/** A node's own id must be visible in the source or computed from data: `nodes` alone stays in the sandbox. */
function compileObject(node: MemberExpression, compiler: Compiler, compile: typeof Compile): Run {
  const { object } = node;
  if (object.type === 'Super') return unsupported();
  if (object.type === 'Identifier' && object.name === 'nodes' && slotOf(compiler.names, 'nodes') === undefined) {
    return (scope) => scope.nodes;
  }
  return compile(object, compiler);
}

type Read = (target: Value, ...at: Parameters<Run>) => Value;

function compileRead(node: MemberExpression, compiler: Compiler, compile: typeof Compile): Read {
  const { property } = node;
  if (property.type === 'PrivateIdentifier') return unsupported();
  if (!node.computed) {
    const name = property.type === 'Identifier' ? property.name : unsupported();
    return (target) => readProperty(target, name);
  }
  const key = compile(property, compiler);
  return (target, scope, locals) => readComputed(target, key(scope, locals));
}

export function compileChain(node: ChainExpression, compiler: Compiler, compile: typeof Compile): Run {
  const run = compileLink(node.expression, compiler, compile);
  return (scope, locals) => {
    const value = run(scope, locals);
    return value === STOPPED ? undefined : value;
  };
}

/** A part of an optional chain: like the plain syntax, but it stops where `?.` met nothing. */
function compileLink(node: Expression, compiler: Compiler, compile: typeof Compile): Run {
  if (node.type === 'CallExpression') return compileCallLink(node, compiler, compile);
  if (node.type !== 'MemberExpression') return compile(node, compiler);
  const object = compileLinkObject(node, compiler, compile);
  const read = compileRead(node, compiler, compile);
  return (scope, locals) => {
    const target = object(scope, locals);
    return target === STOPPED ? STOPPED : read(target, scope, locals);
  };
}

function compileCallLink(node: CallExpression, compiler: Compiler, compile: typeof Compile): Run {
  // `a.b?.()` asks whether there is a method: in JSON data there is none, but a prototype may have it.
  if (node.optional || node.callee.type !== 'MemberExpression') return unsupported();
  const object = compileLinkObject(node.callee, compiler, compile);
  const call = compileMethodCall(node, compiler, compile);
  return (scope, locals) => {
    const target = object(scope, locals);
    return target === STOPPED ? STOPPED : call(target, scope, locals);
  };
}

function compileLinkObject(node: MemberExpression, compiler: Compiler, compile: typeof Compile): Run {
  const { object } = node;
  const isLink = object.type === 'MemberExpression' || object.type === 'CallExpression';
  const run = isLink ? compileLink(object, compiler, compile) : compileObject(node, compiler, compile);
  if (!node.optional) return run;
  return (scope, locals) => run(scope, locals) ?? STOPPED;
}

function mathConstant(node: MemberExpression, compiler: Compiler): number | undefined {
  if (node.object.type !== 'Identifier' || node.object.name !== 'Math' || node.computed) return undefined;
  if (slotOf(compiler.names, 'Math') !== undefined || node.property.type !== 'Identifier') return undefined;
  return MATH_CONSTANTS.get(node.property.name);
}
