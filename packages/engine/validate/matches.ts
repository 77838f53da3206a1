import type { Json } from '@flowplane/contract/json';
import { ExpressionError } from '@flowplane/expressions/errors';
import { evaluate } from '@flowplane/expressions/evaluate';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { compileTemplate, type Template, templateErrors } from '@flowplane/expressions/template';
import { LRUCache } from 'lru-cache';

const compiled = new LRUCache<string, Template>({ max: 1_000 });

function templateOf(match: string): Template {
  const known = compiled.get(match);
  if (known) return known;
  const template = compileTemplate(match);
  compiled.set(match, template);
  return template;
}

/** What is wrong with the `match` of an event trigger, if anything. */
export function matchMistake(match: string): string | undefined {
  const [error] = templateErrors(match);
  if (error) return error.message;
  if (templateOf(match).shape.kind === 'expression') return undefined;
  return 'must be exactly one {{ expression }}, such as {{ event.data.total > 100 }}';
}

/**
 * Whether an expression over `event` is true of an event. One that fails, or takes too long, is not.
 *
 * @throws the reason of `signal` when that is aborted.
 */
export async function matches(
  match: string,
  event: Json,
  options: { sandbox: Sandbox; signal: AbortSignal },
): Promise<boolean> {
  try {
    return Boolean(await evaluate(templateOf(match), { input: null, nodes: {}, vars: {}, run: {}, event }, options));
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}
