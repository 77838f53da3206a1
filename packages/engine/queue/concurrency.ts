import { createHash } from 'node:crypto';
import type { Concurrency } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { storable } from '@flowplane/contract/text';
import { ExpressionError, SandboxError } from '@flowplane/expressions/errors';
import { evaluate } from '@flowplane/expressions/evaluate';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { compileTemplate, type Template, templateErrors } from '@flowplane/expressions/template';

/** How many executions may be under way at once, made ready to use. */
export type CompiledConcurrency = Pick<Concurrency, 'limit' | 'policy'> & { key: Template | undefined };

/** Keys up to this long are kept as they are, so that people can read them in the table. */
const longestKey = 200;

export function compileConcurrency({ limit, policy, key }: Concurrency): CompiledConcurrency {
  return { limit, policy, key: key === undefined ? undefined : compileTemplate(key) };
}

/** What is wrong with a workflow's `concurrency`. */
export function concurrencyErrors(concurrency: Concurrency | undefined): FieldError[] {
  if (concurrency?.key === undefined) return [];
  const path = 'concurrency.key';
  const [error] = templateErrors(concurrency.key);
  if (error) return [{ path, message: error.message }];
  const { expressions } = compileTemplate(concurrency.key);
  const others = new Set(expressions.flatMap(({ names }) => [...names.roots].filter((root) => root !== 'input')));
  if (others.size === 0) return [];
  const message = `can only use input, as it is evaluated before anything runs; it uses ${[...others].join(', ')}`;
  return [{ path, message }];
}

function keyText(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= longestKey ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** What an execution with this input shares the limit with; a failure when the key cannot be evaluated. */
export async function concurrencyKey(
  { key }: CompiledConcurrency,
  input: Json,
  sandbox: Sandbox,
): Promise<{ key: string } | { failure: Failure }> {
  if (!key) return { key: '' };
  try {
    const { signal } = new AbortController();
    const value = await evaluate(key, { input, nodes: {}, vars: {}, run: {} }, { sandbox, signal });
    return { key: keyText(value) };
  } catch (error) {
    if (!(error instanceof ExpressionError || error instanceof SandboxError)) throw error;
    return { failure: { code: error.code, message: storable(`concurrency.key: ${error.message}`.slice(0, 2_000)) } };
  }
}
