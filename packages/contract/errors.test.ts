import { expect, test } from 'vitest';
import { errorCodes, isErrorCode, problem, problemOf, Refusal, writePath } from './errors.ts';

const codes = Object.keys(errorCodes).filter(isErrorCode);

/** What tRPC's own HTTP adapter answers for its codes: https://trpc.io/docs/server/error-handling */
const statusOfTrpc: Record<string, number> = {
  PARSE_ERROR: 400,
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  UNPROCESSABLE_CONTENT: 422,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
};

test('each code is a name to branch on, with the same status on REST and tRPC, and a title for people', () => {
  for (const code of codes) {
    const { status, trpc, title } = errorCodes[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(statusOfTrpc[trpc], code).toBe(status);
    expect(title).toMatch(/^[A-Z][^.]{3,80}$/);
  }
});

test('a name of every object is no code', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', ''])
    expect(isErrorCode(name)).toBe(false);
});

test('the problem of every code has the shape that all faces promise, with the fields at fault only where there are some', () => {
  for (const code of codes) {
    const bare = problemOf(code, 'Do this instead.', { requestId: 'r' });
    expect(problem.strict().parse(bare)).toEqual(bare);
    expect(bare).not.toHaveProperty('errors');
    const errors = [{ path: 'a[0]', message: 'is wrong' }];
    expect(problemOf(code, 'Do this.', { requestId: 'r', errors }).errors).toEqual(errors);
  }
  expect(new Refusal('not_found', 'No.')).toBeInstanceOf(Error);
});

test('paths are written as one would write them in code', () => {
  expect(writePath(['definition', 'nodes', 0, 'params', 'value'])).toBe('definition.nodes[0].params.value');
  expect(writePath([0, 'a'])).toBe('[0].a');
  expect(writePath([])).toBe('');
  expect(writePath(['a', 1, 2])).toBe('a[1][2]');
});
