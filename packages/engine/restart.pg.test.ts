import { expect, test } from 'vitest';
import type { Engine, StartRequest } from './engine.ts';
import type { Restart } from './restart.ts';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { basics } from './testing/nodes.ts';

const waits: DefinitionInput = { nodes: [{ id: 'a', type: 'wait', params: { seconds: 1_000 } }] };

function isIn(bench: Bench, id: string, status: string) {
  return eventually(async () => (await bench.execution(id)).status === status);
}

/** An execution that was cancelled while it waited, or before it began. */
async function over(bench: Bench, engine: Engine, request: StartRequest): Promise<string> {
  const { id } = (await engine.start(request)).execution;
  await engine.cancel(bench.teamId, id);
  return id;
}

async function restart(
  bench: Bench,
  engine: Engine,
  restarts: (StartRequest & Pick<Restart, 'sourceId'>)[],
): Promise<string[]> {
  const made = await bench.database.db.transaction().execute((db) =>
    engine.restart(
      db,
      restarts.map((request) => ({ ...request, from: 'start' })),
    ),
  );
  engine.restarted(made);
  return made;
}

test('a restart waits for its turn as the version says that it runs, whatever limited the old execution', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  const free = await bench.request(waits);
  const limited = await bench.request({ ...waits, concurrency: { limit: 1 } });
  const [old, oldLimited] = [await over(bench, engine, free), await over(bench, engine, limited)];
  const holder = (await engine.start(limited)).execution.id;
  await isIn(bench, holder, 'waiting');

  const [now = '', turn = ''] = await restart(bench, engine, [
    { ...free, sourceId: oldLimited },
    { ...limited, sourceId: old },
  ]);
  await isIn(bench, now, 'waiting');
  expect(await bench.execution(turn)).toMatchObject({ status: 'pending', worker: null });
  await engine.cancel(bench.teamId, holder);
  await isIn(bench, turn, 'waiting');
  await engine.stop(bench.teamId, bench.workflowId);
});

test('the key of a restart is that of its own input, and its policy holds', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  const concurrency = { limit: 1, key: '{{ input.customer.id }}', policy: 'skip' as const };
  const request = await bench.request({ ...waits, concurrency });
  const of = (id: number) => ({ ...request, input: { customer: { id } } });
  const sourceId = await over(bench, engine, of(1));
  const holder = (await engine.start(of(2))).execution.id;
  await isIn(bench, holder, 'waiting');

  const [beside = '', skipped = '', keyless = ''] = await restart(bench, engine, [
    { ...of(1), sourceId },
    { ...of(2), sourceId },
    { ...request, input: null, sourceId },
  ]);
  await isIn(bench, beside, 'waiting');
  await isIn(bench, skipped, 'cancelled');
  expect((await bench.execution(skipped)).error?.code).toBe('concurrency_skipped');
  await isIn(bench, keyless, 'failed');
  expect((await bench.execution(keyless)).error?.message).toMatch(/^concurrency\.key: /);
  await engine.stop(bench.teamId, bench.workflowId);
});

test('a restart without an input of its own has the key of the old one’s input', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  const concurrency = { limit: 1, key: '{{ input }}', policy: 'skip' as const };
  const { input: _, ...request } = await bench.request({ ...waits, concurrency });
  const sourceId = await over(bench, engine, { ...request, input: 'x' });
  const holder = (await engine.start({ ...request, input: 'x' })).execution.id;
  await isIn(bench, holder, 'waiting');
  const [again = ''] = await bench.database.db
    .transaction()
    .execute((db) => engine.restart(db, [{ ...request, sourceId, from: 'unfinished' }]));
  engine.restarted([again]);
  await isIn(bench, again, 'cancelled');
  await engine.stop(bench.teamId, bench.workflowId);
});

test('restarts count towards what may wait: those that fit are made, and past the bound none is', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(waits);
  const sources: string[] = [];
  for (let count = 0; count < 5; count += 1) sources.push(await over(bench, idle, request));
  const bounded = bench.engine(basics, { slots: 0, queueBounds: { team: 3, all: 0 } });
  const all = sources.map((sourceId) => ({ ...request, sourceId }));
  expect(await restart(bench, bounded, all)).toHaveLength(3);
  await expect(restart(bench, bounded, all)).rejects.toMatchObject({ code: 'queue_full' });
  await expect(bounded.start(request)).rejects.toMatchObject({ code: 'queue_full' });
  const { rows } = await bench.database.pool.query(`select from executions where status = 'pending'`);
  expect(rows).toHaveLength(3);
});
