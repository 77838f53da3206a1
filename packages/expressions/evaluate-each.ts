import { ExpressionError } from './errors.ts';
import { spend, startFuel } from './fast/fuel.ts';
import { Failure } from './fast/signals.ts';
import type { Json } from './json.ts';
import { MAX_RESULT_CHARS } from './limits.ts';
import { narrowScope } from './narrow-scope.ts';
import { render } from './render.ts';
import type { Sandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';
import type { CompiledExpression, Template } from './template.ts';

type Options = { scope: Scope; sandbox: Sandbox; signal?: AbortSignal };

/**
 * Evaluates templates once per item, with `item` and `index` in scope: synchronously when the fast lane can do all of it, otherwise
 * with one call of the sandbox for all expressions it cannot. Results may share parts with the items and the scope: treat all of
 * them as immutable. In the sandbox the expressions share one copy of the data: what one changes, the others of the call see changed.
 *
 * @returns for each template, its values in the order of the items.
 * @throws {ExpressionError} (or rejects with it) like `evaluate`, also when the texts that one template yields are together longer
 * than 1 MB. An aborted `signal` rejects with the signal's reason.
 */
export function evaluateEach(
  templates: readonly Template[],
  items: readonly Json[],
  options: Options,
): Json[][] | Promise<Json[][]> {
  const columns = new Map<CompiledExpression, Json[]>();
  const rest: CompiledExpression[] = [];
  startFuel();
  for (const expression of templates.flatMap((template) => template.expressions)) {
    const column = fastColumn(expression, items, options.scope);
    if (column) columns.set(expression, column);
    else rest.push(expression);
  }
  const finish = () => templates.map((template) => rendered(template, items, columns));
  if (rest.length === 0 || items.length === 0) return finish();
  return sandboxColumns(rest, items, options).then((found) => {
    for (const [index, column] of found.entries()) {
      const expression = rest[index];
      if (expression) columns.set(expression, column);
    }
    return finish();
  });
}

/** An expression's values, or undefined when the sandbox has to find them: all of them, so that all see the same data. */
function fastColumn(expression: CompiledExpression, items: readonly Json[], scope: Scope): Json[] | undefined {
  const { fast, source } = expression;
  if (!fast) return undefined;
  const column: Json[] = [];
  try {
    for (const [index, item] of items.entries()) {
      // An expression without calls is free otherwise, and ten thousand long ones would hold the event loop.
      spend(1 + (source.length >>> 6));
      column.push(fast({ ...scope, item, index }));
    }
    return column;
  } catch (error) {
    if (!(error instanceof Failure)) return undefined;
    throw new ExpressionError('expression_failed', `${error.message} (item ${column.length})`, source);
  }
}

/** All of them as one expression: the sandbox reads its data once per expression, which costs more than ten thousand items. */
async function sandboxColumns(
  expressions: readonly CompiledExpression[],
  items: readonly Json[],
  { scope, sandbox, signal }: Options,
): Promise<Json[][]> {
  const columns = expressions.map(({ source }) => `item.map((item, index) => (${source}\n))`);
  const narrow = narrowScope(
    scope,
    expressions.map(({ names }) => names),
  );
  const blamed = expressions.length === 1 ? expressions[0]?.source : undefined;
  try {
    const given = { ...narrow, item: [...items] };
    const [found] = await sandbox.evaluate([`[${columns.join(',')}]`], given, signal ? { signal } : {});
    const lists = Array.isArray(found) ? found.filter((column) => Array.isArray(column)) : [];
    if (lists.length === expressions.length && lists.every(({ length }) => length === items.length)) return lists;
    // Only code that replaces `map` comes here, and all it can spoil is its own outcome.
    throw new ExpressionError('expression_failed', 'The expression did not yield one value per item', blamed);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError(error.code, error.message, blamed);
  }
}

function rendered(
  template: Template,
  items: readonly Json[],
  columns: ReadonlyMap<CompiledExpression, Json[]>,
): Json[] {
  const parts = template.expressions.map((expression) => columns.get(expression) ?? []);
  let chars = 0;
  return items.map((_, index) => {
    const value = render(
      template.shape,
      parts.map((column) => column[index] ?? null),
    );
    // One long text repeated for every item is small in memory and huge when it is interpolated or compared.
    if (typeof value === 'string') chars += value.length;
    if (chars <= MAX_RESULT_CHARS) return value;
    const message = `The texts for all items are together longer than ${MAX_RESULT_CHARS} characters`;
    throw new ExpressionError('expression_failed', message, template.expressions[0]?.source);
  });
}
