import { ExpressionError, SandboxError } from './errors.ts';
import type { Json } from './json.ts';
import { MAX_CODE_CHARS, MAX_RESULT_CHARS, MAX_SCOPE_CHARS } from './limits.ts';
import { namesIn } from './names.ts';
import { narrowScope } from './narrow-scope.ts';
import { parseCode } from './parse-expression.ts';
import { createPool, type Pool } from './sandbox/pool.ts';
import type { Call, CodePayload, ExpressionPayload, Outcome } from './sandbox/protocol.ts';
import type { Scope } from './scope.ts';

export type LogLine = { level: 'debug' | 'info' | 'warn' | 'error'; message: string };

/** Runs JavaScript of strangers in QuickJS, each call in a runtime of its own, on threads that can be killed. */
export type Sandbox = {
  /**
   * The values of expressions (without braces), each as `JSON.parse(JSON.stringify(value))`, undefined as null. Rejects with
   * ExpressionError for the first that fails, or with the signal's reason. An expression cannot change the scope for another.
   */
  evaluate(expressions: string[], scope: Scope, options?: { signal?: AbortSignal }): Promise<Json[]>;
  /**
   * The value a function body returns (promises are awaited) and what it wrote to `console`: at most 1,000 lines of 64 KB in all.
   * Rejects with SandboxError, or with the signal's reason.
   */
  run(
    code: string,
    scope: Scope,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<{ value: Json; logs: LogLine[] }>;
  /**
   * The same sandbox for one of those who share it, e.g. a team: their calls take turns, and who has slow ones leaves a thread to the
   * others. Calls that are not made through this are of one key together.
   */
  of(key: string): Sandbox;
  /** Ends all threads; calls that are not answered yet reject. */
  close(): Promise<void>;
};

const EXPRESSION_CODES = {
  failed: 'expression_failed',
  timeout: 'expression_timeout',
  memory: 'expression_memory',
  output: 'expression_failed',
} as const;

const CODE_CODES = {
  failed: 'code_failed',
  timeout: 'code_timeout',
  memory: 'code_memory',
  output: 'code_output',
} as const;

/**
 * @param options `threads` (1) start when first needed, `memoryBytes` (64 MB) is what one call may allocate, `expressionTimeoutMs`
 * (1,000) holds for all expressions of one call together, `codeTimeoutMs` (10,000) for a code body without a limit of its own.
 */
export function createSandbox(
  options: { threads?: number; memoryBytes?: number; expressionTimeoutMs?: number; codeTimeoutMs?: number } = {},
): Sandbox {
  const { threads = 1, memoryBytes = 64 * 1024 * 1024, expressionTimeoutMs = 1000, codeTimeoutMs = 10_000 } = options;
  const pool = createPool({ threads, memoryBytes });

  async function evaluate(
    key: string,
    { expressions, scope }: { expressions: string[]; scope: Scope },
    signal: AbortSignal | undefined,
  ): Promise<Json[]> {
    if (expressions.length === 0) return [];
    const text = scopeText(scope);
    if (text === undefined) throw new ExpressionError('expression_failed', TOO_MUCH_DATA, expressions[0]);
    const payload: ExpressionPayload = { expressions, scope: text, limit: MAX_RESULT_CHARS };
    const call = { kind: 'expressions', payload: JSON.stringify(payload), timeoutMs: expressionTimeoutMs } as const;
    const outcome = await submit(pool, { key, call }, signal);
    if (outcome.ok) return JSON.parse(outcome.text);
    const blamed = expressions[outcome.index ?? (expressions.length === 1 ? 0 : -1)];
    throw new ExpressionError(EXPRESSION_CODES[outcome.reason], outcome.message, blamed);
  }

  async function run(
    key: string,
    { code, scope }: { code: string; scope: Scope },
    { timeoutMs = codeTimeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<{ value: Json; logs: LogLine[] }> {
    if (code.length > MAX_CODE_CHARS)
      throw new SandboxError('code_failed', `The code is longer than ${MAX_CODE_CHARS} characters`);
    const parsed = parseCode(code);
    if ('message' in parsed) throw new SandboxError('code_failed', parsed.message);
    const text = scopeText(narrowScope(scope, [namesIn(parsed.expression)]));
    if (text === undefined) throw new SandboxError('code_failed', TOO_MUCH_DATA);
    const payload: CodePayload = { code, scope: text, limit: MAX_RESULT_CHARS };
    const call = { kind: 'code', payload: JSON.stringify(payload), timeoutMs } as const;
    const outcome = await submit(pool, { key, call }, signal);
    if (outcome.ok) return JSON.parse(outcome.text);
    throw new SandboxError(CODE_CODES[outcome.reason], outcome.message);
  }

  function of(key: string): Sandbox {
    return {
      evaluate: (expressions, scope, { signal } = {}) => evaluate(key, { expressions, scope }, signal),
      run: (code, scope, limits = {}) => run(key, { code, scope }, limits),
      of,
      close: pool.close,
    };
  }

  return of('');
}

const TOO_MUCH_DATA = `The data it uses is larger than ${MAX_SCOPE_CHARS} characters of JSON, or nested too deeply`;

function scopeText(scope: Scope): string | undefined {
  try {
    const text = JSON.stringify(scope);
    return text.length <= MAX_SCOPE_CHARS ? text : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function submit(
  pool: Pool,
  { key, call }: { key: string; call: Omit<Call, 'id'> },
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const takeBack = pool.submit(call, key, (outcome) => {
      signal?.removeEventListener('abort', abort);
      resolve(outcome);
    });
    function abort(): void {
      takeBack();
      reject(signal?.reason);
    }
    signal?.addEventListener('abort', abort, { once: true });
  });
}
