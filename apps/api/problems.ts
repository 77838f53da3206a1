import { isErrorCode, type Problem, problemOf } from '@flowplane/contract/errors';
import { fromFastify, RestError } from '@flowplane/rest/rest-error';
import { problemOfError } from '@flowplane/server/problem';

/** The problem details of anything that a request can fail with. */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const error = fromFastify(thrown);
  if (error instanceof RestError && isErrorCode(error.code)) {
    return problemOf(error.code, error.detail, { requestId, errors: error.errors });
  }
  return problemOfError(error, requestId);
}
