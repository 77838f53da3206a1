import { createSandbox } from '@flowplane/expressions/sandbox';
import { afterAll, expect, test } from 'vitest';
import { code } from './code.ts';
import { context, failureOf, type Line } from './testing-context.ts';

const sandbox = createSandbox();
afterAll(() => sandbox.close());
const type = code(sandbox);

test('code sees input, nodes, vars and run; what it returns is the result, what it prints is logged', async () => {
  const lines: Line[] = [];
  const scope = { input: { n: 2 }, nodes: { a: 3 }, vars: { v: 4 }, run: { id: 'r' } };
  const body = `console.log('sum of', input.n, nodes.a); console.error('careful'); const x = await Promise.resolve(vars.v);
    return { sum: input.n + nodes.a + x, run: run.id }`;
  expect(await type.run({ code: body }, context({ scope }, lines))).toEqual({ output: { sum: 9, run: 'r' } });
  expect(lines).toMatchObject([
    { level: 'info', message: 'sum of 2 3' },
    { level: 'error', message: 'careful' },
  ]);
  expect(await type.run({ code: 'input' }, context())).toEqual({ output: null });
});

test('code that fails says why: a throw, no syntax, no end', async () => {
  expect(await failureOf(type, { code: 'throw new TypeError("own words")' })).toMatchObject({
    code: 'code_failed',
    message: expect.stringContaining('own words'),
  });
  expect(await failureOf(type, { code: 'return (' })).toMatchObject({ code: 'code_failed' });
  const at = performance.now();
  expect(await failureOf(type, { code: 'for (;;) {}', timeoutSeconds: 0.2 })).toMatchObject({ code: 'code_timeout' });
  expect(performance.now() - at).toBeLessThan(3_000);
  expect(await failureOf(type, { code: 'return 1', timeoutSeconds: 61 })).toMatchObject({ code: 'invalid_params' });
  expect(await failureOf(type, { code: '' })).toMatchObject({ code: 'invalid_params' });
});

test('a syntax error is found before anything runs', () => {
  expect(type.check({ code: 'return 1' })).toEqual([]);
  expect(type.check({ code: 'return (' })).toMatchObject([{ path: ['code'] }]);
  expect(type.check({ code: '{{ nodes.a }}' })).toHaveLength(0);
  expect(type.literal).toEqual(['code']);
});

test('code stops when the step is aborted', async () => {
  const controller = new AbortController();
  const running = type.run({ code: 'for (;;) {}' }, context({ signal: controller.signal }));
  const outcome = Promise.resolve(running).catch((error: unknown) => error);
  setTimeout(() => controller.abort(new Error('cancelled')), 100);
  const at = performance.now();
  expect(await outcome).toMatchObject({ message: 'cancelled' });
  expect(performance.now() - at).toBeLessThan(2_000);
});
