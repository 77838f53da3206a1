import { errorCodes, Refusal } from '@flowplane/contract/errors';
import { isTransient } from '@flowplane/db/retry';
import { TRPCError } from '@trpc/server';

/** Whether something was to be stored for a team that was deleted a moment ago, as long as a caller in it is remembered. */
function isOfGoneTeam(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('constraint' in error)) return false;
  return error.code === '23503' && typeof error.constraint === 'string' && error.constraint.endsWith('_team_id_fkey');
}

/**
 * What plain functions throw, as tRPC's error with the code and HTTP status that it has on every face: the only place where
 * that is decided. What is neither a refusal, nor of a team that is gone, nor a passing
 * failure of the database stays as it is.
 */
export function asTrpcError(thrown: unknown): unknown {
  const cause = thrown instanceof TRPCError ? thrown.cause : thrown;
  if (cause instanceof Refusal) {
    return new TRPCError({ code: errorCodes[cause.code].trpc, message: cause.message, cause });
  }
  if (isOfGoneTeam(cause)) return asTrpcError(new Refusal('not_found', 'This team is gone: choose another of yours.'));
  if (isTransient(cause)) {
    return new TRPCError({ code: errorCodes.unavailable.trpc, message: 'The database is away.', cause });
  }
  return thrown;
}
