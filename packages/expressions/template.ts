import { ExpressionSyntaxError } from './errors.ts';
import { compileFast, type FastExpression } from './fast/compile.ts';
import type { Json } from './json.ts';
import { MAX_CODE_CHARS, MAX_TEMPLATE_DEPTH, MAX_TEMPLATE_EXPRESSIONS } from './limits.ts';
import { type Names, namesIn } from './names.ts';
import { parseCode } from './parse-expression.ts';
import { splitTemplate } from './split-template.ts';

/** One compiled expression: `fast` is missing when only the sandbox can evaluate it. */
export type CompiledExpression = { source: string; fast: FastExpression | undefined; names: Names };

/** The shape of a JSON value, with the places of its expressions (by number). */
export type Shape =
  | { kind: 'constant'; value: Json }
  | { kind: 'expression'; index: number }
  | { kind: 'text'; parts: (string | number)[] }
  | { kind: 'array'; items: Shape[] }
  | { kind: 'object'; entries: (readonly [string, Shape])[] };

/** A compiled JSON value. `nodeIds`: the ids it names as `nodes.id` or `nodes['id']`. */
export type Template = {
  readonly shape: Shape;
  readonly expressions: readonly CompiledExpression[];
  readonly nodeIds: ReadonlySet<string>;
};

type Build = { expressions: CompiledExpression[]; nodeIds: Set<string>; errors: ExpressionSyntaxError[] };

/**
 * Compiles the `{{ }}` in the strings of a JSON value (keys are never templates). Strings without `{{` are literal; one that is
 * exactly one `{{ }}` yields the value itself; any other is interpolated.
 *
 * @throws {ExpressionSyntaxError} the first mistake found.
 */
export function compileTemplate(value: Json): Template {
  const build: Build = { expressions: [], nodeIds: new Set(), errors: [] };
  const shape = shapeOf(value, [], build);
  const [error] = build.errors;
  if (error) throw error;
  return { shape, expressions: build.expressions, nodeIds: build.nodeIds };
}

/** Every mistake `compileTemplate` would stop at, in order; empty when the value is fine. */
export function templateErrors(value: Json): ExpressionSyntaxError[] {
  return readTemplate(value).errors;
}

/** Every mistake `compileTemplate` would stop at, and the ids that the rest names as `nodes.id` or `nodes['id']`. */
export function readTemplate(value: Json): { errors: ExpressionSyntaxError[]; nodeIds: ReadonlySet<string> } {
  const build: Build = { expressions: [], nodeIds: new Set(), errors: [] };
  shapeOf(value, [], build);
  return build;
}

/** The syntax error of a function body (`return` and `await` allowed), or undefined; `offset` is a place in `code`. */
export function codeError(code: string): { message: string; offset: number } | undefined {
  if (code.length > MAX_CODE_CHARS) {
    return { message: `The code is longer than ${MAX_CODE_CHARS} characters`, offset: MAX_CODE_CHARS };
  }
  const parsed = parseCode(code);
  return 'message' in parsed ? parsed : undefined;
}

function shapeOf(value: Json, path: (string | number)[], build: Build): Shape {
  if (typeof value === 'string')
    return value.includes('{{') ? textShape(value, path, build) : { kind: 'constant', value };
  if (typeof value !== 'object' || value === null) return { kind: 'constant', value };
  if (path.length >= MAX_TEMPLATE_DEPTH) return refuse('The value is nested too deeply', path, build);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => shapeOf(item, [...path, index], build));
    return items.every((item) => item.kind === 'constant') ? { kind: 'constant', value } : { kind: 'array', items };
  }
  const entries = Object.entries(value).map(([key, item]) => [key, shapeOf(item, [...path, key], build)] as const);
  const constant = entries.every(([, item]) => item.kind === 'constant');
  return constant ? { kind: 'constant', value } : { kind: 'object', entries };
}

function textShape(text: string, path: (string | number)[], build: Build): Shape {
  const split = splitTemplate(text);
  if ('message' in split) {
    const { message, source, offset } = split;
    build.errors.push(new ExpressionSyntaxError(message, { path, expression: source, offset }));
    return { kind: 'constant', value: null };
  }
  if (build.expressions.length + split.parts.length > MAX_TEMPLATE_EXPRESSIONS) {
    return refuse(`The value holds more than ${MAX_TEMPLATE_EXPRESSIONS} expressions`, path, build);
  }
  const parts = split.parts.map((part) => {
    if (typeof part === 'string') return part;
    const names = namesIn(part.expression);
    for (const id of names.nodeIds) build.nodeIds.add(id);
    return build.expressions.push({ source: part.source, fast: compileFast(part.expression), names }) - 1;
  });
  const [only] = parts;
  return parts.length === 1 && typeof only === 'number' ? { kind: 'expression', index: only } : { kind: 'text', parts };
}

function refuse(message: string, path: (string | number)[], build: Build): Shape {
  build.errors.push(new ExpressionSyntaxError(message, { path, expression: '', offset: 0 }));
  return { kind: 'constant', value: null };
}
