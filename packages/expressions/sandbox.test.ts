import { spawnSync } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, expect, test } from 'vitest';
import { createSandbox, type Sandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';

/** Ends by time what nothing else ends. What memory ends may take long on a busy machine, so it has time. */
const sandbox = createSandbox({ memoryBytes: 16 * 2 ** 20, expressionTimeoutMs: 1000, codeTimeoutMs: 1000 });
const patient = createSandbox({ memoryBytes: 16 * 2 ** 20, expressionTimeoutMs: 30_000, codeTimeoutMs: 30_000 });
afterAll(() => Promise.all([sandbox.close(), patient.close()]));

const scope: Scope = { input: { a: 1 }, nodes: { n: { b: 2 } }, vars: {}, run: {} };

/** Native work that never looks at the clock, so that only killing the thread ends it. */
const NATIVE_LOOP = 'let a = []; a.length = 2 ** 32 - 1; return a.indexOf(1)';

const BOMBS: readonly (readonly [string, string, RegExp])[] = [
  ['an endless loop', 'while (true) {}', /^code_timeout$/],
  [
    'an endless loop that catches everything',
    'for (;;) try { for (;;) {} } catch {} finally { continue }',
    /^code_timeout$/,
  ],
  ['an endless native operation', NATIVE_LOOP, /^code_timeout$/],
  ['a 2 GB string', `return 'x'.repeat(2 ** 31)`, /^code_(failed|memory)$/],
  ['a string that doubles', `let s = 'x'; for (;;) s += s`, /^code_(failed|memory)$/],
  ['an array that doubles', 'let a = [1]; for (;;) a = a.concat(a)', /^code_memory$/],
  ['large strings', `const a = []; for (;;) a.push('x'.repeat(2 ** 22) + a.length)`, /^code_memory$/],
  ['many small objects', 'const a = []; for (;;) a.push({ x: {} })', /^code_memory$/],
  [
    'memory errors caught again and again',
    'const a = []; for (;;) try { for (;;) a.push(new Array(1e5).fill(1)) } catch {}',
    /^code_timeout$/,
  ],
  ['a 2 GB buffer', 'return new ArrayBuffer(2 ** 31).byteLength', /^code_(failed|memory)$/],
  ['a huge bigint', 'return String(2n ** 100000000n).length', /^code_(failed|memory|timeout)$/],
  ['a microtask that queues the next', 'for (;;) await 1', /^code_timeout$/],
  [
    'microtasks that multiply',
    'const f = async () => { await 1; f(); f() }; await f(); await new Promise(() => {})',
    /^code_(memory|timeout|failed)$/,
  ],
  ['endless recursion', 'const f = () => f(); f()', /^code_failed$/],
  ['recursion through a getter', 'const o = { get a() { return this.a } }; return o.a', /^code_failed$/],
  ['deep JSON', `return JSON.parse('['.repeat(1e6))`, /^code_(failed|memory)$/],
  ['deep source', `return eval('('.repeat(1e6))`, /^code_(failed|memory)$/],
  ['a regular expression that backtracks', `return /(a*)*b/.test('a'.repeat(1e5))`, /^code_(timeout|failed|memory)$/],
  ['a promise that never settles', 'await new Promise(() => {})', /^code_failed$/],
  ['a result over 1 MB', `return 'x'.repeat(2 ** 20)`, /^code_output$/],
  ['a bigint as the result', 'return 1n', /^code_failed$/],
  ['a cycle as the result', 'const o = {}; o.o = o; return o', /^code_failed$/],
];

test.each(BOMBS)('threat 38: %s ends in a typed error, and the next call works', async (_, code, expected) => {
  const used = expected.test('code_timeout') ? sandbox : patient;
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  const start = performance.now();
  await expect(used.run(code, scope)).rejects.toMatchObject({
    name: 'SandboxError',
    code: expect.stringMatching(expected),
  });
  expect(performance.now() - start).toBeLessThan(25_000);
  lag.disable();
  expect(lag.max / 1e6).toBeLessThan(500);
  expect(await used.evaluate(['input.a'], scope)).toEqual([1]);
});

test('expressions have the same bounds, and the error names the expression', async () => {
  const loop = '(() => { for (;;) {} })()';
  await expect(sandbox.evaluate(['1', loop], scope)).rejects.toMatchObject({ code: 'expression_timeout' });
  const big = `'x'.repeat(2 ** 20)`;
  await expect(patient.evaluate(['1', big], scope)).rejects.toMatchObject({
    code: 'expression_failed',
    expression: big,
  });
  const bomb = `(() => { const a = []; for (;;) a.push('x'.repeat(2 ** 22) + a.length) })()`;
  await expect(patient.evaluate([bomb], scope)).rejects.toMatchObject({ code: 'expression_memory', expression: bomb });
});

test('calls queued behind one that hangs are answered long before it is killed', async () => {
  const controller = new AbortController();
  let hangs = true;
  const hanging = sandbox.run(NATIVE_LOOP, scope, { timeoutMs: 30_000, signal: controller.signal }).catch(() => {
    hangs = false;
  });
  const others = Array.from({ length: 50 }, (_, n) => sandbox.evaluate([`${n} + input.a`], scope));
  expect(await Promise.all(others)).toEqual(others.map((_, n) => [n + 1]));
  expect(hangs).toBe(true);
  controller.abort();
  await hanging;
});

/** Calls that hang until they are aborted; how many have ended. */
function hangingCalls(by: Sandbox, count: number) {
  const hanging = { ended: 0, controllers: Array.from({ length: count }, () => new AbortController()) };
  const ends = hanging.controllers.map(async ({ signal }) => {
    await by.run(NATIVE_LOOP, scope, { timeoutMs: 30_000, signal }).catch(() => undefined);
    hanging.ended += 1;
  });
  const end = async () => {
    for (const controller of hanging.controllers) controller.abort();
    await Promise.all(ends);
  };
  return { hanging, end };
}

test('threat 38: a hundred calls of one team that hang hold up no call of another, one after the other or at once', async () => {
  await using own = new AsyncDisposableStack();
  const shared = createSandbox();
  own.defer(() => shared.close());
  const { hanging, end } = hangingCalls(shared.of('a'), 100);
  const other = shared.of('b');
  // Long enough for the hanging ones to take all that they can get.
  const until = performance.now() + 1_000;
  for (let n = 0; n < 20 || performance.now() < until; n += 1)
    expect(await other.evaluate(['input.a'], scope)).toEqual([1]);
  const atOnce = Array.from({ length: 100 }, (_, n) => other.evaluate([`${n}`], scope));
  expect(await Promise.all(atOnce)).toEqual(atOnce.map((_, n) => [n]));
  expect(hanging.ended).toBe(0);
  await end();
});

test('where all threads hang, the first that is free goes to who has none, and who has several does not get it back', async () => {
  await using own = new AsyncDisposableStack();
  const shared = createSandbox();
  own.defer(() => shared.close());
  const many = hangingCalls(shared.of('a'), 10);
  // Long enough for the hanging ones to take all that they can get: all but one.
  const until = performance.now() + 1_000;
  while (performance.now() < until) await shared.of('d').evaluate(['input.a'], scope);
  const one = hangingCalls(shared.of('b'), 1);
  const third = shared.of('c').evaluate(['input.a'], scope);
  many.hanging.controllers[0]?.abort();
  expect(await third).toEqual([1]);
  const again = shared.of('d');
  for (let n = 0; n < 20; n += 1) expect(await again.evaluate([`${n}`], scope)).toEqual([n]);
  expect([many.hanging.ended, one.hanging.ended]).toEqual([1, 0]);
  await Promise.all([many.end(), one.end()]);
});

test('an aborted call rejects with the reason at once, whether it waits or runs, and the others do not notice', async () => {
  const controller = new AbortController();
  const running = sandbox.run(NATIVE_LOOP, scope, { timeoutMs: 30_000, signal: controller.signal });
  const other = sandbox.evaluate(['1 + 1'], scope);
  setTimeout(() => controller.abort(new Error('cancelled')), 100);
  const start = performance.now();
  await expect(running).rejects.toThrow('cancelled');
  expect(performance.now() - start).toBeLessThan(10_000);
  expect(await other).toEqual([2]);
  await expect(sandbox.evaluate(['1'], scope, { signal: controller.signal })).rejects.toThrow('cancelled');
});

test('console lines are kept with their level; a flood is cut after 1,000 lines or 64 KB, with a marker', async () => {
  const { value, logs } = await patient.run(
    `console.log('a', { b: 1 }, undefined); console.error(new TypeError('no')); return 1`,
    scope,
  );
  expect(value).toBe(1);
  expect(logs).toEqual([
    { level: 'info', message: 'a {"b":1} undefined' },
    { level: 'error', message: 'TypeError: no' },
  ]);
  const many = await sandbox.run('for (let i = 0; i < 1e5; i++) console.log(i)', scope);
  expect(many.logs).toHaveLength(1001);
  expect(many.logs.at(-1)?.message).toMatch(/… truncated$/);
  const long = await sandbox.run(`for (let i = 0; i < 100; i++) console.warn('x'.repeat(10000))`, scope);
  expect(long.logs.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(66_000);
  expect(long.logs.at(-1)?.message).toMatch(/… truncated$/);
});

test('values come back as JSON would have them', async () => {
  const run = async (code: string) => (await sandbox.run(code, scope)).value;
  expect(await run('return')).toBeNull();
  expect(await run('return () => 1')).toBeNull();
  expect(await run('return { a: undefined, b: NaN, c: new Date(0), d: [() => 1], e: "\\ud800\\0" }')).toEqual({
    ...{ b: null, c: '1970-01-01T00:00:00.000Z', d: [null], e: '\ud800\0' },
  });
  expect(await run('return await Promise.all([input.a, Promise.resolve(nodes.n.b)])')).toEqual([1, 2]);
  expect(await run(`const name = 'n'; return nodes[name].b`)).toBe(2);
  expect(await run(`return eval('input.a')`)).toBe(1);
});

test('errors speak as V8 does and name the line', async () => {
  await expect(sandbox.run('const a = {};\nreturn a.b.c', scope)).rejects.toThrow(
    "Cannot read properties of undefined (reading 'c') (line 2)",
  );
  await expect(sandbox.run('missing', scope)).rejects.toThrow('missing is not defined');
  await expect(sandbox.run('throw { status: 3 }', scope)).rejects.toThrow('{"status":3}');
  await expect(sandbox.run('return 1 }); (() => {', scope)).rejects.toMatchObject({ code: 'code_failed' });
});

test('closing rejects what is not answered, and what comes after', async () => {
  const own = createSandbox();
  const running = own.run('for (;;) {}', scope);
  setTimeout(() => void own.close(), 50);
  await expect(running).rejects.toThrow('The sandbox is closed');
  await expect(own.evaluate(['1'], scope)).rejects.toThrow('The sandbox is closed');
});

test('an idle sandbox does not keep the process alive', () => {
  const program = `const { createSandbox } = await import(${JSON.stringify(new URL('./sandbox.ts', import.meta.url).href)});
    const scope = { input: null, nodes: {}, vars: {}, run: {} };
    const sandbox = createSandbox({ codeTimeoutMs: 100 });
    await sandbox.run('let a = []; a.length = 2 ** 32 - 1; return a.indexOf(1)', scope).catch(() => undefined);
    console.log(await sandbox.evaluate(['1 + 1'], scope));
    await sandbox.run('let a = []; a.length = 2 ** 32 - 1; return a.indexOf(1)', scope).catch(() => undefined);`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 15_000,
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '[ 2 ]\n' });
});
