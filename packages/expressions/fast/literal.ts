import type { ArrayExpression, ObjectExpression, Property, SpreadElement, TemplateLiteral } from 'acorn';
import type { compile as Compile, Compiler } from './compile.ts';
import { spend, spendChars } from './fuel.ts';
import { define } from './property.ts';
import { bail, unsupported } from './signals.ts';
import { isArray, isPrimitive, type Run, text, type Value } from './value.ts';

export function compileTemplateLiteral(node: TemplateLiteral, compiler: Compiler, compile: typeof Compile): Run {
  const texts = node.quasis.map((quasi) => quasi.value.cooked ?? unsupported());
  const values = node.expressions.map((expression) => compile(expression, compiler));
  const [head = '', ...tails] = texts;
  return (scope, locals) => {
    let result = head;
    for (const [place, value] of values.entries()) result += text(value(scope, locals)) + (tails[place] ?? '');
    spendChars(result.length);
    return result;
  };
}

/** Compiles list items or call arguments; only arrays can be spread. */
export function compileItems(
  nodes: readonly (ArrayExpression['elements'][number] | SpreadElement)[],
  compiler: Compiler,
  compile: typeof Compile,
): (...at: Parameters<Run>) => Value[] {
  const items = nodes.map((node) => {
    if (node === null) return unsupported();
    const spread = node.type === 'SpreadElement';
    return { spread, run: compile(node.type === 'SpreadElement' ? node.argument : node, compiler) };
  });
  return (scope, locals) => {
    const result: Value[] = [];
    for (const { spread, run } of items) {
      const value = run(scope, locals);
      if (!spread) result.push(value);
      else if (isArray(value)) {
        spend(value.length);
        for (const item of value) result.push(item);
      } else bail();
    }
    return result;
  };
}

export function compileArray(node: ArrayExpression, compiler: Compiler, compile: typeof Compile): Run {
  return compileItems(node.elements, compiler, compile);
}

type Put = (target: { [key: string]: Value }, ...at: Parameters<Run>) => void;

export function compileObject(node: ObjectExpression, compiler: Compiler, compile: typeof Compile): Run {
  const puts = node.properties.map((property) => compileProperty(property, compiler, compile));
  return (scope, locals) => {
    const result: { [key: string]: Value } = {};
    for (const put of puts) put(result, scope, locals);
    return result;
  };
}

function compileProperty(node: Property | SpreadElement, compiler: Compiler, compile: typeof Compile): Put {
  if (node.type === 'SpreadElement') return compileSpread(compile(node.argument, compiler));
  if (node.kind !== 'init' || node.method) return unsupported();
  const value = compile(node.value, compiler);
  if (node.computed) {
    const key = compile(node.key, compiler);
    return (target, scope, locals) => {
      const name = text(key(scope, locals));
      define(target, name, value(scope, locals));
    };
  }
  const key = staticKey(node);
  return (target, scope, locals) => define(target, key, value(scope, locals));
}

function staticKey({ key }: Property): string {
  if (key.type === 'Identifier') return key.name;
  if (key.type === 'Literal' && (typeof key.value === 'string' || typeof key.value === 'number'))
    return String(key.value);
  return unsupported();
}

function compileSpread(source: Run): Put {
  return (target, scope, locals) => {
    const value = source(scope, locals);
    if (value === null || value === undefined) return;
    if (isPrimitive(value) || isArray(value)) return bail();
    for (const [key, item] of Object.entries(value)) {
      spend(1);
      define(target, key, item);
    }
  };
}
