import { Refusal } from '@flowplane/contract/errors';
import { permissions } from '@flowplane/contract/permissions';
import { openDatabase } from '@flowplane/db/database';
import { callTRPCProcedure, TRPCError } from '@trpc/server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { appRouter } from './api.ts';
import { problemOfError } from './problem.ts';

test('what a procedure refuses has the refusal’s code, detail and fields', () => {
  const refusal = new Refusal('invalid_workflow', 'No.', [{ path: 'a', message: 'b' }]);
  const expected = { code: 'invalid_workflow', status: 400, detail: 'No.', errors: [{ path: 'a', message: 'b' }] };
  expect(problemOfError(refusal, 'r')).toMatchObject(expected);
  expect(problemOfError(new TRPCError({ code: 'BAD_REQUEST', cause: refusal }), 'r')).toMatchObject(expected);
});

test('an input that is not as it should be is told field by field, 50 at most', () => {
  const { error } = z.object({ a: z.object({ b: z.array(z.int()) }) }).safeParse({ a: { b: Array(60).fill('x') } });
  const problem = problemOfError(new TRPCError({ code: 'BAD_REQUEST', cause: error }), 'r');
  expect(problem).toMatchObject({ code: 'invalid_input', status: 400 });
  expect(problem.errors).toHaveLength(50);
  expect(problem.errors?.[7]?.path).toBe('a.b[7]');
});

test('anything else leaves as `internal` with nothing inside but the request’s id', () => {
  const secret = new Error('select * from users: password hunter22');
  const output = z.object({ a: z.string() }).safeParse({ a: 1 }).error;
  for (const error of [
    secret,
    'hunter22',
    undefined,
    new TRPCError({ code: 'INTERNAL_SERVER_ERROR', cause: secret }),
    new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'hunter22', cause: output }),
  ]) {
    const problem = problemOfError(error, 'req-1');
    expect(problem).toMatchObject({ code: 'internal', status: 500, requestId: 'req-1' });
    expect(problem.detail).toContain('req-1');
    expect(JSON.stringify(problem)).not.toMatch(/hunter22|select|stack/);
  }
});

test('while the database is away a call is answered with 503, without its address', async () => {
  const database = openDatabase('postgresql://flowplane@127.0.0.1:1/flowplane');
  const principal = { teamId: '00000000-0000-4000-8000-000000000000', permissions: new Set(permissions) };
  const ctx = { database, engine: {}, principal, request: { id: 'r' }, response: { headers: {}, cookies: [] } };
  const call = callTRPCProcedure({
    router: appRouter,
    path: 'workflows.list',
    type: 'query',
    ctx,
    getRawInput: async () => ({}),
    signal: undefined,
    batchIndex: 0,
  });
  const error = await call.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  const problem = problemOfError(error, 'r');
  expect(problem).toMatchObject({ code: 'unavailable', status: 503 });
  expect(JSON.stringify(problem)).not.toContain('127.0.0.1');
  await database.close();
});
