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

/** What limits how many are under way at once: an execution with a place waits until it is its turn, see `admit.ts`. */
export type LimitedPlace = { key: string; limit: number; policy: Concurrency['policy'] };

/** What an execution with this input shares the limit with; a failure when the key cannot be evaluated. */
async function keyOf(
  key: Template | undefined,
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

/** The place of a new execution; with a failure when it is to fail because its key cannot be evaluated. */
export async function placeFor(
  { key, limit, policy }: CompiledConcurrency,
  { id, input }: { id: string; input: Json },
  sandbox: Sandbox,
): Promise<{ place: LimitedPlace; failure: Failure | undefined }> {
  const found = await keyOf(key, input, sandbox);
  if ('key' in found) return { place: { key: found.key, limit, policy }, failure: undefined };
  // It needs a place of its own until it has failed.
  return { place: { key: id, limit, policy }, failure: found.failure };
}
