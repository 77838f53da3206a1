import type { Json } from '@flowplane/contract/json';
import type { NodeContext } from '@flowplane/engine/node-type';
import { evaluateEach } from '@flowplane/expressions/evaluate-each';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { compileTemplate } from '@flowplane/expressions/template';
import { z } from 'zod';
import { isPath, readPath } from './path.ts';

/** Whether a selector is an expression rather than a path. */
export function isExpression(selector: string): boolean {
  return selector.includes('{{');
}

function mistake(text: string): string | undefined {
  if (isExpression(text)) return undefined;
  if (!isPath(text)) return 'must be a path such as customer.name, or an expression such as {{ item.total > 100 }}';
  return /^item(?:\.|$)/.test(text)
    ? 'is a path that starts inside the item: leave "item." out, or write {{ item.… }}'
    : undefined;
}

/** What to take of each item: a path into it, or text with expressions over `item` and `index`. */
export const selector = z
  .string({ error: 'must be a path or an expression' })
  .max(10_000)
  .superRefine((text, context) => {
    const message = mistake(text);
    if (message) context.addIssue({ code: 'custom', message });
  });

/** The selector for the item itself. */
export const wholeItem = '{{ item }}';

/**
 * Applies selectors to each item, and goes on with what they yield: for each selector its values in the order of the items, null
 * where there is nothing. At once where the sandbox is not needed, otherwise after one call of it.
 *
 * @throws ExpressionError (or rejects with it) when an expression fails.
 */
export function selectPerItem<Result>(
  request: { selectors: string[]; items: Json[]; sandbox: Sandbox; context: NodeContext },
  finish: (columns: Json[][]) => Result | Promise<Result>,
): Result | Promise<Result> {
  const { selectors, items, sandbox, context } = request;
  const expressions = [...new Set(selectors.filter(isExpression))];
  const evaluated = evaluateEach(expressions.map(compileTemplate), items, {
    scope: context.scope,
    sandbox: sandbox.of(context.teamId),
    signal: context.signal,
  });
  const all = (columns: Json[][]) =>
    finish(
      selectors.map((one) =>
        isExpression(one) ? (columns[expressions.indexOf(one)] ?? []) : items.map((item) => readPath(item, one)),
      ),
    );
  return evaluated instanceof Promise ? evaluated.then(all) : all(evaluated);
}
