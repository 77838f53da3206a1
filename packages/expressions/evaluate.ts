import { ExpressionError } from './errors.ts';
import { startFuel } from './fast/fuel.ts';
import { Failure } from './fast/signals.ts';
import type { Json } from './json.ts';
import { narrowScope } from './narrow-scope.ts';
import { render } from './render.ts';
import type { Sandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';
import type { CompiledExpression, Template } from './template.ts';

/**
 * Evaluates a template: synchronously when the fast lane can do all of its expressions, otherwise with one call of the sandbox for
 * all those it cannot. The result may share parts with the scope and with the template's source: treat all of them as immutable.
 *
 * @throws {ExpressionError} (or rejects with it) when an expression throws, takes too long, too much memory, or yields more than 1 MB.
 * An aborted `signal` rejects with the signal's reason.
 */
export function evaluate(
  template: Template,
  scope: Scope,
  options: { sandbox: Sandbox; signal?: AbortSignal },
): Json | Promise<Json> {
  const { expressions } = template;
  if (expressions.length === 0) return render(template.shape, []);
  const values: Json[] = [];
  let rest: number[] | undefined;
  startFuel();
  for (const [index, expression] of expressions.entries()) {
    const value = tryFast(expression, scope);
    if (value === undefined) {
      rest ??= [];
      rest.push(index);
    }
    values.push(value ?? null);
  }
  return rest ? evaluateRest(template, { values, rest, scope }, options) : render(template.shape, values);
}

/** The value, or undefined when the sandbox has to find it. */
function tryFast(expression: CompiledExpression, scope: Scope): Json | undefined {
  if (!expression.fast) return undefined;
  try {
    return expression.fast(scope);
  } catch (error) {
    if (error instanceof Failure) throw new ExpressionError('expression_failed', error.message, expression.source);
    // Whatever else stopped the fast lane (a deliberate bail, the stack's end), the sandbox knows the right answer.
    return undefined;
  }
}

async function evaluateRest(
  template: Template,
  state: { values: Json[]; rest: number[]; scope: Scope },
  options: { sandbox: Sandbox; signal?: AbortSignal },
): Promise<Json> {
  const chosen = state.rest.flatMap((index) => template.expressions[index] ?? []);
  const names = chosen.map((expression) => expression.names);
  const { sandbox, signal } = options;
  const found = await sandbox.evaluate(
    chosen.map((expression) => expression.source),
    narrowScope(state.scope, names),
    signal ? { signal } : {},
  );
  for (const [place, index] of state.rest.entries()) state.values[index] = found[place] ?? null;
  return render(template.shape, state.values);
}
