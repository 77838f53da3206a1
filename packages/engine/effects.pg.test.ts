import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, eventually, openBench, settled } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

test('an effect is begun on disk before it happens, and done on disk before anything that depends on it starts', async () => {
  const seen: Record<string, unknown> = {};
  const journal = async (key: string) => {
    const steps = await bench.steps(key.split(':')[0] ?? '');
    return Object.fromEntries(steps.map(({ path, status }) => [path, status]));
  };
  const effect = node(
    'effect',
    async ({ idempotencyKey }) => {
      seen[idempotencyKey.split(':')[1] ?? ''] = await journal(idempotencyKey);
      return { output: 1 };
    },
    { effect: true },
  );
  const engine = bench.engine([...basics, effect]);
  const ended = await bench.run(engine, {
    nodes: [
      { id: 'pure', type: 'value' },
      { id: 'first', type: 'effect' },
      { id: 'second', type: 'effect' },
    ],
    edges: [
      { from: 'pure', to: 'first' },
      { from: 'first', to: 'second' },
    ],
  });
  expect(ended.status).toBe('completed');
  expect(seen).toEqual({
    first: { pure: 'completed', first: 'running' },
    second: { pure: 'completed', first: 'completed', second: 'running' },
  });
});

test('an effect does not start once another step has failed', async () => {
  let effects = 0;
  const effect = node(
    'effect',
    () => {
      effects += 1;
      return { output: null };
    },
    { effect: true },
  );
  const engine = bench.engine([...basics, effect]);
  // The failure comes while the effect's beginning is being committed.
  const ended = await bench.run(engine, {
    nodes: [
      { id: 'charge', type: 'effect' },
      { id: 'bad', type: 'fail' },
    ],
  });
  expect(ended).toMatchObject({ status: 'failed', error: { nodeId: 'bad' } });
  expect(effects).toBe(0);
  expect((await bench.steps(ended.id)).find(({ path }) => path === 'charge')?.status).toBe('cancelled');
});

test('a repeated effect has the same key and a counted attempt; a zombie’s late result and the steps before are not written again', async () => {
  const keys: string[] = [];
  let wakeUp = () => {};
  let pure = 0;
  const count = node('count', () => {
    pure += 1;
    return { output: pure };
  });
  const stuck = node(
    'effect',
    async ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (keys.length > 1) return { output: 'second' };
      // The first worker is stopped in it for longer than its lease.
      await new Promise<void>((resolve) => {
        wakeUp = resolve;
      });
      return { output: 'zombie' };
    },
    { effect: true },
  );
  const dying = bench.engine([...basics, count, stuck]);
  const definition = {
    nodes: [
      { id: 'before', type: 'count' },
      { id: 'charge', type: 'effect' },
    ],
    edges: [{ from: 'before', to: 'charge' }],
  };
  const started = await dying.start(await bench.request(definition));
  const { execution } = started;
  await eventually(() => keys.length === 1);
  await bench.expire();
  const next = bench.engine([...basics, count, stuck]);
  next.work();
  const ended = await next.wait(bench.teamId, execution.id, 5_000);
  expect(ended).toMatchObject({ status: 'completed', output: 'second' });
  wakeUp();
  expect(await settled(started)).toMatchObject({ status: 'running', output: null });
  expect(await bench.execution(execution.id)).toMatchObject({ status: 'completed', output: 'second', fence: '2' });
  expect(keys).toEqual([`${execution.id}:charge`, `${execution.id}:charge`]);
  expect(pure).toBe(1);
  expect(await bench.steps(execution.id)).toMatchObject([
    { path: 'before', attempt: 1, status: 'completed' },
    { path: 'charge', attempt: 2, status: 'completed', output: 'second' },
  ]);
});

test('an effect that fails is journalled with its failure, and what depends on it does not run', async () => {
  const effect = node(
    'effect',
    async () => {
      await sleep(10);
      throw new Error('broken');
    },
    { effect: true },
  );
  const engine = bench.engine([...basics, effect]);
  const started = await engine.start(
    await bench.request({
      nodes: [
        { id: 'a', type: 'effect' },
        { id: 'b', type: 'value' },
      ],
      edges: [{ from: 'a', to: 'b' }],
    }),
  );
  expect(await settled(started)).toMatchObject({ status: 'failed', error: { code: 'internal', nodeId: 'a' } });
  expect(await bench.steps(started.execution.id)).toMatchObject([{ path: 'a', status: 'failed', attempt: 1 }]);
  expect(bench.errors.splice(0)).toMatchObject([{ message: 'broken' }]);
});
