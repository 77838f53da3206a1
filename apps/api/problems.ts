import { isErrorCode, type Problem, problemOf } from '@flowplane/contract/errors';
import { RestError } from '@flowplane/rest/rest-error';
import { problemOfError } from '@flowplane/server/problem';

/** The problem details of anything that a request can fail with. */
export function toProblem(error: unknown, requestId: string): Problem {
  if (error instanceof RestError && isErrorCode(error.code)) {
    return problemOf(error.code, error.detail, { requestId, errors: error.errors });
  }
  return problemOfError(error, requestId);
}
