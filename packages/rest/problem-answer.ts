import type { Answer } from './answer.ts';
import type { Problem } from './problem.ts';
import type { ResponseHints } from './response-hints.ts';
import { RestError } from './rest-error.ts';
import { retryAfter } from './retry-after.ts';

/**
 * The answer that carries a problem. A 401 says how to sign in, as RFC 9110 section 15.5.2 asks, a 503 and a 429 when to come back.
 *
 * @param error what the problem was made of; a `RestError` may bring headers.
 */
export function problemAnswer(problem: Problem, error: unknown, hints?: ResponseHints): Answer {
  return {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...retryAfter(problem.status),
      ...(error instanceof RestError ? error.headers : {}),
      ...hints?.headers,
    },
    cookies: hints?.cookies ?? [],
    body: JSON.stringify(problem),
  };
}
