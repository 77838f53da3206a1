import type { ErrorCode, Problem } from '@flowplane/contract/errors';
import type { TRPCBuiltRouter, TRPCDefaultErrorData, TRPCDefaultErrorShape } from '@trpc/server';
import type { api } from './api.ts';

/** An error as tRPC clients receive it: the problem details are in `data.problem`, the stack never leaves. */
export type ApiErrorShape = Omit<TRPCDefaultErrorShape, 'data'> & {
  data: Omit<TRPCDefaultErrorData, 'stack'> & { problem: Problem & { code: ErrorCode } };
};

/**
 * The API as clients see it. Declared over the record with `ctx: object`, because the inferred type of the router names
 * the context, and with it Kysely and every table.
 */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ApiErrorShape; transformer: true },
  typeof api
>;
