import {
  type AnyTRPCRouter,
  callTRPCProcedure,
  getTRPCErrorFromUnknown,
  TRPCError,
  type TRPCProcedureType,
} from '@trpc/server';

/** What differs from one call of a procedure to the next. */
export type ProcedureCall = {
  ctx: object | undefined;
  getRawInput: () => Promise<unknown>;
  signal: AbortSignal;
  batchIndex: number;
};

/** Calls one procedure with all its middlewares. Rejects with a TRPCError. */
export type CallProcedure = (call: ProcedureCall) => Promise<unknown>;

type Result = { ok: true; data: unknown } | { ok: false; error: TRPCError } | undefined;
type Next = { ctx?: object; input?: unknown; getRawInput?: ProcedureCall['getRawInput'] };
type Middleware = (options: object) => Promise<Result>;
type Definition = { middlewares: readonly Middleware[]; meta: unknown };
type Called = { router: AnyTRPCRouter; path: string; type: TRPCProcedureType; definition: Definition };
type State = ProcedureCall & { input: unknown };

function isCallable(definition: unknown): definition is Definition {
  if (typeof definition !== 'object' || definition === null || !('middlewares' in definition)) return false;
  // A procedure whose builder was given a caller of its own runs more than its middlewares.
  if ('experimental_caller' in definition && definition.experimental_caller) return false;
  const { middlewares } = definition;
  return Array.isArray(middlewares) && middlewares.every((middleware) => typeof middleware === 'function');
}

function after(state: State, next: Next | undefined): State {
  if (!next) return state;
  const { ctx, getRawInput, signal, batchIndex } = state;
  return {
    ctx: next.ctx ? { ...ctx, ...next.ctx } : ctx,
    input: 'input' in next ? next.input : state.input,
    getRawInput: next.getRawInput ?? getRawInput,
    signal,
    batchIndex,
  };
}

async function run(called: Called, index: number, state: State): Promise<Result> {
  const { router, path, type, definition } = called;
  const { ctx, input, getRawInput, signal, batchIndex } = state;
  try {
    return await definition.middlewares[index]?.({
      router,
      path,
      type,
      ctx,
      getRawInput,
      signal,
      batchIndex,
      meta: definition.meta,
      input,
      next: (next?: Next) => run(called, index + 1, after(state, next)),
    });
  } catch (thrown) {
    return { ok: false, error: getTRPCErrorFromUnknown(thrown) };
  }
}

/**
 * Prepares the call of a procedure: what `callTRPCProcedure` does with the procedure's own middlewares (its input, output and
 * resolver are among them), without copying every option for each of them by a polyfilled spread, which was a tenth of a
 * request. Procedures that are built in a way not known here are left to `callTRPCProcedure`.
 */
export function procedureCaller(router: AnyTRPCRouter, path: string, type: TRPCProcedureType): CallProcedure {
  const procedure: unknown = router._def.procedures[path];
  const definition: unknown = typeof procedure === 'function' && '_def' in procedure ? procedure._def : undefined;
  if (!isCallable(definition)) return (call) => callTRPCProcedure({ router, path, type, ...call });
  const called = { router, path, type, definition };
  return async ({ ctx, getRawInput, signal, batchIndex }) => {
    const result = await run(called, 0, { ctx, getRawInput, signal, batchIndex, input: undefined });
    if (!result) {
      const message = 'No result from middlewares - did you forget to `return next()`?';
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message });
    }
    if (!result.ok) throw result.error;
    return result.data;
  };
}
