import { errors } from 'undici';
import { EgressError } from './errors.ts';

/**
 * What to report for anything that went wrong on the way: our own errors as they are, everything else as an EgressError
 * whose message carries no more than the system's error code, with the original as `cause` for the logs.
 */
export function toEgressError(error: unknown, host: string): EgressError {
  if (error instanceof EgressError) return error;
  if (error instanceof errors.ConnectTimeoutError) {
    return new EgressError('egress_timeout', `No connection to "${host}" within the time allowed.`, { cause: error });
  }
  if (error instanceof errors.ClientDestroyedError || error instanceof errors.ClientClosedError) {
    return new EgressError('egress_aborted', `The request to "${host}" was cancelled by a shutdown.`, { cause: error });
  }
  return new EgressError('egress_failed', `The request to "${host}" failed (${reason(error)}).`, { cause: error });
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
