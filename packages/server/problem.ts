import {
  type ErrorCode,
  errorCodes,
  type FieldError,
  isErrorCode,
  type Problem,
  problemOf,
  Refusal,
  writePath,
} from '@flowplane/contract/errors';
import { isTransient } from '@flowplane/db/retry';
import { TRPCError } from '@trpc/server';
import { z } from 'zod';

const codeOfTrpc = new Map<string, ErrorCode>();
for (const code of Object.keys(errorCodes).filter(isErrorCode)) {
  const { trpc } = errorCodes[code];
  if (trpc !== 'INTERNAL_SERVER_ERROR' && !codeOfTrpc.has(trpc)) codeOfTrpc.set(trpc, code);
}

function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.slice(0, 50).map((issue) => ({ path: writePath(issue.path), message: issue.message }));
}

function inputProblem(error: z.ZodError, requestId: string): Problem {
  const errors = fieldErrors(error);
  const first = errors[0];
  const detail = first ? `${first.path || 'input'}: ${first.message}` : 'The input does not have the expected shape.';
  return problemOf('invalid_input', detail, { requestId, errors });
}

/**
 * The problem details of whatever a procedure threw: refusals by their code, invalid input field by field, tRPC's own
 * errors by their code, a database that is away as `unavailable`, and anything else as `internal` with nothing inside.
 */
export function problemOfError(error: unknown, requestId: string): Problem {
  const cause = error instanceof TRPCError ? (error.cause ?? error) : error;
  if (isTransient(cause)) {
    return problemOf('unavailable', 'The database cannot be reached right now: try again in a moment.', { requestId });
  }
  if (cause instanceof Refusal) return problemOf(cause.code, cause.message, { requestId, errors: cause.errors });
  if (error instanceof TRPCError) {
    if (error.code === 'BAD_REQUEST' && cause instanceof z.ZodError) return inputProblem(cause, requestId);
    const code = codeOfTrpc.get(error.code);
    if (code) return problemOf(code, error.message, { requestId });
  }
  return problemOf('internal', `Something went wrong on our side. Tell support this id: ${requestId}`, { requestId });
}
