import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { effectsTable } from './testing/fault-nodes.ts';
import { kill, startWorker } from './testing/worker-process.ts';

async function unfinished({ database }: Bench): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    'select count(*)::int as count from executions where finished_at is null',
  );
  return rows[0]?.count ?? 0;
}

/** Fans out into two effects, waits, and joins; 4 effects in all. */
const definition: DefinitionInput = {
  nodes: [
    { id: 'first', type: 'effect' },
    { id: 'left', type: 'effect' },
    { id: 'right', type: 'effect' },
    { id: 'pause', type: 'wait', params: { seconds: 0.1 } },
    { id: 'join', type: 'value', params: { value: '{{ [nodes.left, nodes.right] }}' } },
    { id: 'last', type: 'effect' },
  ],
  edges: [
    { from: 'first', to: 'left' },
    { from: 'first', to: 'right' },
    { from: 'first', to: 'pause' },
    { from: 'left', to: 'join' },
    { from: 'right', to: 'join' },
    { from: 'pause', to: 'join' },
    { from: 'join', to: 'last' },
  ],
};
const effects = ['first', 'left', 'right', 'last'];

test('workers killed at random moments lose nothing, journal each step once, and repeat only effects under way', async () => {
  await using bench = await openBench();
  await bench.database.pool.query(effectsTable);
  const request = await bench.request(definition);
  const kills = 15;
  const perWorker = 4;
  for (let round = 0; round < kills; round += 1) {
    const child = await startWorker(bench.url);
    child.send({ start: request, times: perWorker });
    await sleep(20 + Math.random() * 250);
    await kill(child);
    // As if the dead worker's leases had run out; that they do by themselves is the next test's. Deaths this close together
    // would otherwise bring executions into quarantine.
    await bench.database.pool.query(`update executions set due_at = now(), crashes = 0 where status = 'running'`);
  }
  const last = await startWorker(bench.url);
  await eventually(async () => (await unfinished(bench)) === 0, 15_000);
  await kill(last);

  const { rows: executions } = await bench.database.pool.query<{ id: string; status: string; output: string }>(
    'select id, status, output from executions',
  );
  // A start that was killed before its insert was committed is one that its caller never heard of.
  expect(executions.length).toBeGreaterThan(kills);
  const { rows: keys } = await bench.database.pool.query<{ key: string; times: number; last: Date }>(
    'select key, count(*)::int as times, max(at) as last from effects group by key',
  );
  const byKey = new Map(keys.map((row) => [row.key, row]));
  let repeated = 0;
  for (const { id, status, output } of executions) {
    expect({ id, status, output }).toEqual({ id, status: 'completed', output: 'done' });
    const steps = await bench.steps(id);
    expect(steps.map(({ path }) => path).sort()).toEqual(definition.nodes.map((one) => one.id).sort());
    expect(steps.every((step) => step.status === 'completed')).toBe(true);
    for (const step of steps.filter(({ path }) => effects.includes(path))) {
      const done = byKey.get(`${id}:${step.path}`);
      byKey.delete(`${id}:${step.path}`);
      expect(done?.times).toBeGreaterThanOrEqual(1);
      expect(done?.times).toBeLessThanOrEqual(step.attempt);
      // Once its end is in the journal, an effect is never repeated.
      expect(Number(done?.last)).toBeLessThanOrEqual(Number(step.finished_at));
      if (step.attempt > 1) repeated += 1;
    }
  }
  // Every effect belongs to an execution, and some were hit.
  expect([...byKey.keys()]).toEqual([]);
  expect(repeated).toBeGreaterThan(0);
}, 60_000);

test('a stopped worker’s execution is taken over within 20 s; when it goes on, it cannot write', async () => {
  await using bench = await openBench();
  await bench.database.pool.query(effectsTable);
  const zombie = await startWorker(bench.url);
  const request = await bench.request({
    nodes: [
      { id: 'slow', type: 'later', params: { ms: 1_000, value: 'result' } },
      { id: 'charge', type: 'effect' },
    ],
    edges: [{ from: 'slow', to: 'charge' }],
  });
  zombie.send({ start: request, times: 1 });
  const id = await eventually(async () => {
    const { rows } = await bench.database.pool.query<{ id: string }>('select id from executions');
    return rows[0]?.id;
  });
  zombie.kill('SIGSTOP');
  const stoppedAt = performance.now();
  const heir = await startWorker(bench.url);
  await eventually(async () => (await unfinished(bench)) === 0, 25_000);
  expect(performance.now() - stoppedAt).toBeLessThan(20_000);
  const before = await bench.execution(id);
  expect(before).toMatchObject({ status: 'completed', fence: '2' });
  zombie.kill('SIGCONT');
  await sleep(1_500);
  expect(await bench.execution(id)).toEqual(before);
  const { rows } = await bench.database.pool.query<{ key: string }>('select key from effects');
  expect(rows).toEqual([{ key: `${id}:charge` }]);
  await Promise.all([kill(zombie), kill(heir)]);
}, 40_000);
