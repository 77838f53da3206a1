import { TRPCClientError } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { type ErrorDetails, FlowplaneError } from './error.ts';
import { sharing } from './failed-together.ts';

/** Whether a value is the problem details that Flowplane answers with, in tRPC's `data.problem` or as a whole body. */
export function isProblem(value: unknown): value is ErrorDetails {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'code' in value &&
    typeof value.code === 'string' &&
    'detail' in value &&
    typeof value.detail === 'string' &&
    'status' in value &&
    typeof value.status === 'number'
  );
}

function retryAfterIn({ meta }: TRPCClientError<AnyTRPCRouter>): number | undefined {
  const answer = meta?.response;
  if (typeof answer !== 'object' || answer === null || !('retryAfter' in answer)) return undefined;
  return typeof answer.retryAfter === 'number' ? answer.retryAfter : undefined;
}

/** What a call rejects with, for what tRPC's client rejected with. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof TRPCClientError)) return error;
  const problem: unknown = error.data?.problem;
  const retryAfter = retryAfterIn(error);
  if (isProblem(problem)) return sharing(new FlowplaneError({ ...problem, retryAfter }), error.meta?.response);
  // One failure of a whole batch: every call gets an error of its own, with its own stack.
  if (error.cause instanceof FlowplaneError) {
    return sharing(new FlowplaneError(error.cause, { cause: error.cause.cause }), error.cause);
  }
  if (error.shape === undefined) return error.cause ?? error;
  const status: unknown = error.data?.httpStatus;
  const detail = `The server answered without problem details: ${error.message}`;
  return new FlowplaneError(
    { status: typeof status === 'number' ? status : 500, code: 'bad_response', detail, retryAfter },
    { cause: error },
  );
}
