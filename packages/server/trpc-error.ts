import { errorCodes, Refusal } from '@flowplane/contract/errors';
import { isTransient } from '@flowplane/db/retry';
import { TRPCError } from '@trpc/server';

/**
 * What plain functions throw, as tRPC's error with the code and HTTP status that it has on every face: the only place where
 * that is decided. What is neither a refusal nor a passing failure of the database stays as it is.
 */
export function asTrpcError(thrown: unknown): unknown {
  const cause = thrown instanceof TRPCError ? thrown.cause : thrown;
  if (cause instanceof Refusal) {
    return new TRPCError({ code: errorCodes[cause.code].trpc, message: cause.message, cause });
  }
  if (isTransient(cause)) {
    return new TRPCError({ code: errorCodes.unavailable.trpc, message: 'The database is away.', cause });
  }
  return thrown;
}
