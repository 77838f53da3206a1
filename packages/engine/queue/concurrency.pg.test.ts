import { setTimeout as sleep } from 'node:timers/promises';
import type { Execution } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { expect, test } from 'vitest';
import type { Engine, StartRequest } from '../engine.ts';
import { type Bench, type DefinitionInput, eventually, openBench } from '../testing/engine.ts';
import { basics, node } from '../testing/nodes.ts';
import { admitPlaces } from './admit.ts';

/** A node that counts how many of it are under way with the same input, in all engines that have it. */
function counted(ms: number) {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const order: Json[] = [];
  const count = node('count', async ({ scope, signal }) => {
    const key = JSON.stringify(scope.input);
    order.push(scope.input);
    now.set(key, (now.get(key) ?? 0) + 1);
    most.set(key, Math.max(most.get(key) ?? 0, now.get(key) ?? 0));
    await sleep(ms, undefined, { signal }).catch(() => {});
    now.set(key, (now.get(key) ?? 0) - 1);
    return { output: null };
  });
  return { types: [...basics, count], most, order };
}

const counts = (concurrency: DefinitionInput['concurrency']): DefinitionInput => ({
  nodes: [{ id: 'a', type: 'count' }],
  concurrency,
});

async function ended(engine: Engine | undefined, bench: Bench, id: string): Promise<Execution | undefined> {
  return engine?.wait(bench.teamId, id, 40_000);
}

async function startAll(engine: Engine, requests: StartRequest[]): Promise<string[]> {
  const ids: string[] = [];
  for (const request of requests) ids.push((await engine.start(request)).execution.id);
  return ids;
}

test('two engines and 500 starts: never more under way than the limit, and every one runs', async () => {
  await using bench = await openBench();
  const { types, most, order } = counted(5);
  const engines = [bench.engine(types), bench.engine(types)];
  for (const engine of engines) engine.work();
  const request = await bench.request(counts({ limit: 3 }), 'x');
  const started = await Promise.all(Array.from({ length: 500 }, (_, n) => engines[n % 2]?.start(request)));
  for (const one of started) {
    expect((await ended(engines[0], bench, one?.execution.id ?? ''))?.status).toBe('completed');
  }
  expect(order).toHaveLength(500);
  expect(most.get('"x"')).toBe(3);
}, 60_000);

test('the limit holds for each value of the key; those that wait run in the order in which they came', async () => {
  await using bench = await openBench();
  const { types, order } = counted(200);
  const engine = bench.engine(types);
  engine.work();
  const request = await bench.request(counts({ limit: 1, key: '{{ input.customer }}' }));
  const inputs = ['a', 'a', 'a', 'b'].map((customer, n) => ({ customer, n }));
  const ids = await startAll(
    engine,
    inputs.map((input) => ({ ...request, input })),
  );
  for (const id of ids) expect((await ended(engine, bench, id))?.status).toBe('completed');
  expect(order.filter((input) => JSON.stringify(input).includes('"a"'))).toEqual(inputs.slice(0, 3));
  expect(order.indexOf(order.find((input) => JSON.stringify(input).includes('"b"')) ?? null)).toBeLessThan(3);
});

test('an execution that waits for its turn has no worker, can be cancelled, and what waits counts as under way', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  const waits = { nodes: [{ id: 'a', type: 'wait', params: { seconds: 1_000 } }], concurrency: { limit: 1 } };
  const request = await bench.request(waits);
  const [first = '', second = '', third = ''] = await startAll(engine, [request, request, request]);
  await eventually(async () => (await bench.execution(first)).status === 'waiting');
  expect(await bench.execution(second)).toMatchObject({ status: 'pending', worker: null });
  expect(await engine.cancel(bench.teamId, second)).toBe(true);
  expect((await bench.execution(third)).status).toBe('pending');
  expect(await engine.cancel(bench.teamId, first)).toBe(true);
  await eventually(async () => (await bench.execution(third)).status === 'waiting');
  await engine.stop(bench.teamId, bench.workflowId);
});

test('skip cancels a start past the limit at once, and says why', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  const waits = { nodes: [{ id: 'a', type: 'wait', params: { seconds: 1_000 } }] };
  const request = await bench.request({ ...waits, concurrency: { limit: 1, policy: 'skip' } });
  const first = await engine.start(request);
  const second = await engine.start(request);
  expect(second.execution).toMatchObject({ status: 'cancelled', error: { code: 'concurrency_skipped' } });
  expect((await bench.execution(first.execution.id)).error).toBe(null);
  await engine.stop(bench.teamId, bench.workflowId);
});

test('cancel-previous ends the oldest for the newest', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  const waits = { nodes: [{ id: 'a', type: 'wait', params: { seconds: 1_000 } }] };
  const request = await bench.request({ ...waits, concurrency: { limit: 2, policy: 'cancel-previous' } });
  const [first = '', second = '', third = ''] = await startAll(engine, [request, request, request]);
  expect(await bench.execution(first)).toMatchObject({ status: 'cancelled', error: { code: 'concurrency_replaced' } });
  for (const id of [second, third]) await eventually(async () => (await bench.execution(id)).status === 'waiting');
  await engine.stop(bench.teamId, bench.workflowId);
});

test('a key that cannot be evaluated fails the execution, and holds up no other', async () => {
  await using bench = await openBench();
  const { types } = counted(1);
  const engine = bench.engine(types);
  engine.work();
  const request = await bench.request(counts({ limit: 1, key: '{{ input.customer.id }}' }), null);
  const { execution } = await engine.start(request);
  expect(execution).toMatchObject({
    status: 'failed',
    error: { message: expect.stringMatching(/^concurrency\.key: /) },
  });
  const good = await engine.start({ ...request, input: { customer: { id: 1 } } });
  expect((await ended(engine, bench, good.execution.id))?.status).toBe('completed');
});

test('a place whose worker died between its end and the next start is given on by whoever looks', async () => {
  await using bench = await openBench();
  const { types } = counted(1);
  const idle = bench.engine(types, { slots: 0 });
  const request = await bench.request(counts({ limit: 1 }));
  const [first = '', second = ''] = await startAll(idle, [request, request]);
  expect((await bench.execution(second)).status).toBe('pending');
  // Its end, without what follows it.
  await bench.database.pool.query(
    `update executions set status = 'completed', due_at = null, queue_rank = null, finished_at = now() where id = $1`,
    [first],
  );
  const engine = bench.engine(types);
  engine.work();
  expect((await ended(engine, bench, second))?.status).toBe('completed');
});

test('admitting again lets nobody in twice', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request({ nodes: [{ id: 'a', type: 'value' }], concurrency: { limit: 2 } });
  await startAll(idle, [request, request, request]);
  const place = { workflowId: bench.workflowId, key: '' };
  const again = await Promise.all(Array.from({ length: 10 }, () => admitPlaces(bench.database, [place])));
  expect(again.flatMap(({ admitted }) => admitted)).toEqual([]);
});
