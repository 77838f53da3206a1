import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import { type Bench, eventually, openBench, settled } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

let bench: Bench;
let engine: Engine;
let other: Engine;

const signals: AbortSignal[] = [];
/** Does not listen to its signal, and ends after a while all the same. */
const deaf = node('deaf', async ({ signal }) => {
  signals.push(signal);
  await sleep(400);
  return { output: 'too late' };
});
const effect = node(
  'effect',
  async ({ signal }) => {
    signals.push(signal);
    await sleep(60_000, undefined, { signal });
    return { output: null };
  },
  { effect: true },
);

beforeAll(async () => {
  bench = await openBench();
  engine = bench.engine([...basics, deaf, effect]);
  engine.work();
  // Stores only: what it cancels runs in another process.
  other = bench.engine([...basics, deaf, effect], { slots: 0 });
});
afterAll(() => bench[Symbol.asyncDispose]());

test('a running execution is final at once, its step is told, and what the worker writes later is refused', async () => {
  const started = await engine.start(await bench.request({ nodes: [{ id: 'a', type: 'deaf' }] }));
  const { id } = started.execution;
  await eventually(() => signals.length > 0);
  expect(await engine.cancel(bench.teamId, id)).toBe(true);
  expect(await bench.execution(id)).toMatchObject({ status: 'cancelled', worker: null, due_at: null });
  expect(signals.at(-1)?.aborted).toBe(true);
  await settled(started);
  await sleep(500);
  expect(await bench.execution(id)).toMatchObject({ status: 'cancelled', output: null });
  expect(await bench.steps(id)).toEqual([]);
});

test('a cancellation in another process reaches a running effect within two seconds; the journal closes it', async () => {
  const started = await engine.start(await bench.request({ nodes: [{ id: 'a', type: 'effect' }] }));
  const { id } = started.execution;
  await eventually(async () => (await bench.steps(id)).length > 0);
  const at = performance.now();
  expect(await other.cancel(bench.teamId, id)).toBe(true);
  await settled(started);
  expect(performance.now() - at).toBeLessThan(2_500);
  expect(signals.at(-1)?.aborted).toBe(true);
  expect(await bench.steps(id)).toMatchObject([{ path: 'a', status: 'cancelled' }]);
  expect((await bench.execution(id)).status).toBe('cancelled');
});

test('what waits, and what nobody has begun, is cancelled too; what is final stays as it is, however often one asks', async () => {
  const sleeping = { nodes: [{ id: 'sleep', type: 'wait', params: { seconds: 0.3 } }] };
  const waiting = await engine.start(await bench.request(sleeping));
  await settled(waiting);
  expect(await engine.cancel(bench.teamId, waiting.execution.id)).toBe(true);
  expect(await engine.cancel(bench.teamId, waiting.execution.id)).toBe(false);

  const idle = bench.engine(basics, { slots: 0 });
  const pending = await idle.start(await bench.request({ nodes: [{ id: 'a', type: 'value' }] }));
  expect(pending.held).toBeUndefined();
  const won = await idle.cancel(bench.teamId, pending.execution.id);
  const done = await bench.run(engine, { nodes: [{ id: 'a', type: 'value' }] });
  expect(await engine.cancel(bench.teamId, done.id)).toBe(false);
  expect((await bench.execution(done.id)).status).toBe('completed');

  await sleep(1_500);
  expect((await bench.execution(waiting.execution.id)).status).toBe('cancelled');
  expect(await bench.steps(waiting.execution.id)).toMatchObject([{ status: 'cancelled' }]);
  expect((await bench.execution(pending.execution.id)).status).toBe(won ? 'cancelled' : 'completed');
});

test('another team cannot cancel it', async () => {
  const { execution } = await other.start(
    await bench.request({ nodes: [{ id: 'sleep', type: 'wait', params: { seconds: 600 } }] }),
  );
  expect(await other.cancel('00000000-0000-0000-0000-000000000000', execution.id)).toBe(false);
  expect(await other.cancel(bench.teamId, execution.id)).toBe(true);
});

test('a step that is being committed when the execution is cancelled is closed too', async () => {
  const { execution } = await other.start(
    await bench.request({ nodes: [{ id: 'sleep', type: 'wait', params: { seconds: 600 } }] }),
  );
  const { id } = execution;
  const worker = await bench.database.pool.connect();
  try {
    await worker.query('begin');
    await worker.query("update executions set due_at = now() + interval '1 hour' where id = $1", [id]);
    const cancelled = other.cancel(bench.teamId, id);
    await sleep(200);
    await worker.query(
      `insert into steps (execution_id, path, position, node_id, type, status, attempt) values ($1, 'a', 0, 'a', 'effect', 'running', 1)`,
      [id],
    );
    await worker.query('commit');
    expect(await cancelled).toBe(true);
    expect(await bench.steps(id)).toMatchObject([{ status: 'cancelled' }]);
  } finally {
    worker.release();
  }
});

test('nothing of this was our own failure', () => {
  expect(bench.errors).toEqual([]);
});
