import type { AnyNode, Expression } from 'acorn';
import type { Json } from '../json.ts';
import type { Scope } from '../scope.ts';
import { compileCall } from './call.ts';
import { compileArray, compileObject, compileTemplateLiteral } from './literal.ts';
import { compileChain, compileMember } from './member.ts';
import { BINARY, UNARY } from './operators.ts';
import { settle, settleBorrowed } from './settle.ts';
import { Unsupported, unsupported } from './signals.ts';
import { type Names, slotOf } from './slots.ts';
import type { Run, Value } from './value.ts';

/** Evaluates to JSON; throws `Failure` (the expression's own error) or anything else to leave it to the sandbox. */
export type FastExpression = (scope: Scope) => Json;

/** Deeper nesting costs stack at every evaluation. */
const MAX_DEPTH = 100;

/** What the compilers of the single kinds of syntax need: a way to compile their parts, and the names in sight. */
export type Compiler = { names: Names; depth: number };

/** Compiles an expression to closures, or gives undefined when it is outside the fast lane's subset. */
export function compileFast(expression: Expression): FastExpression | undefined {
  const names: Names = { slots: new Map(), used: { count: 0 } };
  try {
    const run = compile(expression, { names, depth: 0 });
    const finish = isBorrowed(expression) ? settleBorrowed : settle;
    if (names.used.count === 0) return (scope) => finish(run(scope, NO_LOCALS));
    const { count } = names.used;
    return (scope) => finish(run(scope, new Array<Value>(count).fill(undefined)));
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

const NO_LOCALS: Value[] = [];

export function compile(node: AnyNode, outer: Compiler): Run {
  if (outer.depth > MAX_DEPTH) return unsupported();
  const compiler = { names: outer.names, depth: outer.depth + 1 };
  switch (node.type) {
    case 'ParenthesizedExpression':
      return compile(node.expression, compiler);
    case 'Literal':
      return compileLiteral(node.value);
    case 'Identifier':
      return compileIdentifier(node.name, compiler.names);
    case 'MemberExpression':
      return compileMember(node, compiler, compile);
    case 'ChainExpression':
      return compileChain(node, compiler, compile);
    case 'CallExpression':
      return compileCall(node, compiler, compile);
    case 'TemplateLiteral':
      return compileTemplateLiteral(node, compiler, compile);
    case 'ArrayExpression':
      return compileArray(node, compiler, compile);
    case 'ObjectExpression':
      return compileObject(node, compiler, compile);
    case 'UnaryExpression':
      return compileUnary(node.operator, compile(node.argument, compiler));
    case 'BinaryExpression':
      return compileBinary(node.operator, compile(node.left, compiler), compile(node.right, compiler));
    case 'LogicalExpression':
      return compileLogical(node.operator, compile(node.left, compiler), compile(node.right, compiler));
    case 'ConditionalExpression': {
      const test = compile(node.test, compiler);
      const yes = compile(node.consequent, compiler);
      const no = compile(node.alternate, compiler);
      return (scope, locals) => (test(scope, locals) ? yes(scope, locals) : no(scope, locals));
    }
    default:
      return unsupported();
  }
}

function compileLiteral(value: unknown): Run {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return () => value;
  }
  return unsupported();
}

function compileIdentifier(name: string, names: Names): Run {
  const slot = slotOf(names, name);
  if (slot !== undefined) return (_, locals) => locals[slot];
  switch (name) {
    case 'input':
      return (scope) => scope.input;
    case 'vars':
      return (scope) => scope.vars;
    case 'run':
      return (scope) => scope.run;
    case 'item':
      return (scope) => scope.item;
    case 'index':
      return (scope) => scope.index;
    case 'event':
      return (scope) => scope.event;
    case 'undefined':
      return () => undefined;
    case 'NaN':
      return () => Number.NaN;
    case 'Infinity':
      return () => Number.POSITIVE_INFINITY;
    default:
      // `nodes` alone would show which nodes were skipped: see compileMember.
      return unsupported();
  }
}

function compileUnary(operator: string, argument: Run): Run {
  const apply = UNARY.get(operator) ?? unsupported();
  return (scope, locals) => apply(argument(scope, locals));
}

function compileBinary(operator: string, left: Run, right: Run): Run {
  const apply = BINARY.get(operator) ?? unsupported();
  return (scope, locals) => apply(left(scope, locals), right(scope, locals));
}

function compileLogical(operator: string, left: Run, right: Run): Run {
  if (operator === '&&') return (scope, locals) => left(scope, locals) && right(scope, locals);
  if (operator === '||') return (scope, locals) => left(scope, locals) || right(scope, locals);
  return (scope, locals) => left(scope, locals) ?? right(scope, locals);
}

/** Whether an object this yields is always a part of the scope, which is JSON already and within its bounds. */
function isBorrowed(node: Expression): boolean {
  switch (node.type) {
    case 'Identifier':
      return true;
    case 'ParenthesizedExpression':
    case 'ChainExpression':
      return isBorrowed(node.expression);
    case 'MemberExpression':
      return node.object.type !== 'Super' && isBorrowed(node.object);
    case 'LogicalExpression':
      return isBorrowed(node.left) && isBorrowed(node.right);
    case 'ConditionalExpression':
      return isBorrowed(node.consequent) && isBorrowed(node.alternate);
    default:
      return false;
  }
}
