import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import { NodeError } from './node-error.ts';
import type { NodeType } from './node-type.ts';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

let bench: Bench;
const engines: Engine[] = [];
beforeAll(async () => {
  bench = await openBench();
});
// An engine that went on working would take the executions of later tests, with its own idea of their node types.
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

function engineOf(types: NodeType[]): Engine {
  const engine = bench.engine(types);
  engines.push(engine);
  return engine;
}

/** A node that fails its first `failures` attempts. */
function flaky(failures: number, options: { effect?: boolean; code?: string; retryAfterMs?: number } = {}) {
  const at: number[] = [];
  const type = node(
    'flaky',
    () => {
      at.push(performance.now());
      if (at.length <= failures) throw new NodeError(options.code ?? 'busy', 'come back later', options);
      return { output: at.length };
    },
    options,
  );
  return { type, at };
}

function alone(more: object): DefinitionInput {
  return { nodes: [{ id: 'only', type: 'flaky', ...more }] };
}

const soon = { intervalMs: 10, jitter: 'none' as const };

test.each([false, true])('a failed node is tried again until it succeeds (effect: %s)', async (effect) => {
  const { type, at } = flaky(2, { effect });
  const engine = engineOf([...basics, type]);
  engine.work();
  const ended = await bench.run(engine, alone({ retry: { ...soon, maxAttempts: 5 } }));
  expect(ended).toMatchObject({ status: 'completed', output: 3 });
  expect(at).toHaveLength(3);
  expect(await bench.steps(ended.id)).toMatchObject([{ status: 'completed', attempt: 3, error: null }]);
});

test('the last failure is the one that is told, and the journal counts the attempts', async () => {
  const { type, at } = flaky(9);
  const engine = engineOf([...basics, type]);
  engine.work();
  const ended = await bench.run(engine, alone({ retry: { ...soon, maxAttempts: 3 } }));
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'busy', nodeId: 'only' } });
  expect(at).toHaveLength(3);
  expect(await bench.steps(ended.id)).toMatchObject([{ status: 'failed', attempt: 3 }]);
});

test('while a node waits for its next attempt the step shows why, and the lease is given up', async () => {
  const { type } = flaky(1);
  const engine = engineOf([...basics, type]);
  const { execution, held } = await engine.start(
    await bench.request(alone({ retry: { intervalMs: 60_000, jitter: 'none' } })),
  );
  expect(await held).toMatchObject({ status: 'waiting' });
  expect(await bench.steps(execution.id)).toMatchObject([{ status: 'waiting', attempt: 1, error: { code: 'busy' } }]);
  expect(await bench.execution(execution.id)).toMatchObject({ status: 'waiting', worker: null });
});

test('only the failures that are named are retried', async () => {
  const { type, at } = flaky(1, { code: 'broken' });
  const ended = await bench.run(engineOf([...basics, type]), alone({ retry: { ...soon, on: ['busy'] } }));
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'broken' } });
  expect(at).toHaveLength(1);
});

test('a pause is as long as the failure asks for', async () => {
  const { type, at } = flaky(1, { retryAfterMs: 400 });
  const engine = engineOf([...basics, type]);
  engine.work();
  const ended = await bench.run(engine, alone({ retry: soon }));
  expect(ended).toMatchObject({ error: null, status: 'completed' });
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(390);
});

test('an attempt that takes too long is told to stop, and counts as failed', async () => {
  let aborted = 0;
  const slow = node('flaky', async ({ signal }) => {
    await sleep(5_000, undefined, { signal }).catch(() => {
      aborted += 1;
    });
    return { output: null };
  });
  const engine = engineOf([...basics, slow]);
  engine.work();
  const ended = await bench.run(engine, alone({ retry: { ...soon, maxAttempts: 2, attemptTimeoutMs: 50 } }));
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
  await eventually(() => aborted === 2);
});

test('all attempts of a node together take no longer than its time', async () => {
  const { type, at } = flaky(100);
  const engine = engineOf([...basics, type]);
  engine.work();
  const retry = { intervalMs: 200, backoffRate: 1, jitter: 'none' as const, maxAttempts: 100 };
  const ended = await bench.run(engine, alone({ timeoutMs: 700, retry }));
  expect(ended.status).toBe('failed');
  expect(at.length).toBeGreaterThan(1);
  expect(at.length).toBeLessThan(5);
});

test('onError continue goes on with the error as the result', async () => {
  const definition: DefinitionInput = {
    nodes: [
      { id: 'bad', type: 'fail', onError: 'continue' },
      { id: 'next', type: 'value', params: { value: '{{ nodes.bad.error.code }}' } },
    ],
    edges: [{ from: 'bad', to: 'next' }],
  };
  const ended = await bench.run(engineOf(basics), definition);
  expect(ended).toMatchObject({ status: 'completed', output: 'told_to' });
  expect(await bench.steps(ended.id)).toMatchObject([{ path: 'bad', status: 'failed' }, { status: 'completed' }]);
});

test('onError branch takes the port error, or out when all went well', async () => {
  const definition = (type: string): DefinitionInput => ({
    nodes: [
      { id: 'try', type, onError: 'branch' },
      { id: 'rescue', type: 'value', params: { value: 'rescued' } },
      { id: 'go', type: 'value', params: { value: 'fine' } },
    ],
    edges: [
      { from: 'try', port: 'error', to: 'rescue' },
      { from: 'try', to: 'go' },
    ],
    output: '{{ nodes.rescue ?? nodes.go }}',
  });
  const engine = engineOf(basics);
  expect(await bench.run(engine, definition('fail'))).toMatchObject({ status: 'completed', output: 'rescued' });
  expect(await bench.run(engine, definition('value'))).toMatchObject({ status: 'completed', output: 'fine' });
});

test('join any runs at the first edge that is taken, and once', async () => {
  const definition: DefinitionInput = {
    nodes: [
      { id: 'fast', type: 'later', params: { ms: 5 } },
      { id: 'slow', type: 'later', params: { ms: 300 } },
      { id: 'either', type: 'value', join: 'any', params: { value: 'first' } },
      { id: 'after', type: 'value', params: { value: 'after' } },
    ],
    edges: [
      { from: 'fast', to: 'either' },
      { from: 'slow', to: 'either' },
      { from: 'either', to: 'after' },
    ],
  };
  const ended = await bench.run(engineOf(basics), definition);
  expect(ended.status).toBe('completed');
  const steps = await bench.steps(ended.id);
  const by = Object.fromEntries(steps.map((step) => [step.path, step.finished_at?.getTime() ?? 0]));
  expect(steps).toHaveLength(4);
  expect(by.after).toBeLessThan(by.slow ?? 0);
});

test('a disabled node to which no way leads lets nothing run after it, though another way is still open', async () => {
  const definition: DefinitionInput = {
    nodes: [
      { id: 'which', type: 'pick', params: { port: 'a' } },
      { id: 'off', type: 'value', params: { value: 'off' }, disabled: true },
      { id: 'quick', type: 'later', params: { ms: 5 } },
      { id: 'slow', type: 'later', params: { ms: 200, value: 'slow' } },
      { id: 'end', type: 'value', params: { value: '{{ nodes.slow }}' }, join: 'any' },
    ],
    output: '{{ nodes.end }}',
    edges: [
      { from: 'which', port: 'a', to: 'slow' },
      { from: 'which', port: 'a', to: 'quick' },
      { from: 'which', port: 'b', to: 'off' },
      { from: 'off', to: 'end' },
      { from: 'slow', to: 'end' },
    ],
  };
  expect(await bench.run(engineOf(basics), definition)).toMatchObject({ status: 'completed', output: 'slow' });
});

test('a disabled node is passed over: what follows runs', async () => {
  const definition: DefinitionInput = {
    nodes: [
      { id: 'off', type: 'fail', disabled: true },
      { id: 'next', type: 'value', params: { value: '{{ nodes.off ?? "nothing" }}' } },
    ],
    edges: [{ from: 'off', to: 'next' }],
  };
  const ended = await bench.run(engineOf(basics), definition);
  expect(ended).toMatchObject({ status: 'completed', output: 'nothing' });
  expect(await bench.steps(ended.id)).toMatchObject([{ path: 'off', status: 'skipped' }, { status: 'completed' }]);
});

test('pinned data stands in for a node in runs of the draft only', async () => {
  const { type, at } = flaky(0);
  const engine = engineOf([...basics, type]);
  const request = await bench.request(alone({ pin: { output: 'pinned' } }));
  const draft = await engine.start({ ...request, version: null });
  expect(await draft.held).toMatchObject({ status: 'completed', output: 'pinned' });
  expect(at).toHaveLength(0);
  const published = await engine.start(request);
  expect(await published.held).toMatchObject({ status: 'completed', output: 1 });
});
