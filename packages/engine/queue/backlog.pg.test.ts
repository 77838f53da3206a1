import { expect, test } from 'vitest';
import { openBench } from '../testing/engine.ts';
import { basics } from '../testing/nodes.ts';
import { createTeam } from '../testing/queues.ts';
import { createBacklog } from './backlog.ts';

const one = { nodes: [{ id: 'a', type: 'value' }] };

test('a team with as many executions waiting as it may have is refused more; others are not', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics, { slots: 0, queueBounds: { team: 3, all: 0 } });
  const request = await bench.request(one);
  for (let count = 0; count < 3; count += 1) expect((await engine.start(request)).execution.status).toBe('pending');
  await expect(engine.start(request)).rejects.toMatchObject({ code: 'queue_full' });
  const other = await createTeam(bench, 'other');
  expect((await engine.start(await other.request(one))).execution.status).toBe('pending');
});

test('the bound on all counts what other processes have queued, and waiting for a turn counts', async () => {
  await using bench = await openBench();
  const crowd = await createTeam(bench, 'crowd');
  await crowd.queue(10);
  const backlog = createBacklog(bench.database, { team: 0, all: 12 });
  const limited = await bench.request({ ...one, concurrency: { limit: 1 } });
  const idle = bench.engine(basics, { slots: 0 });
  await idle.start(limited);
  await idle.start(limited);
  await expect(backlog.add(bench.teamId)).rejects.toMatchObject({ code: 'queue_full' });
});

test('what has a free slot is not refused, however much waits', async () => {
  await using bench = await openBench();
  const crowd = await createTeam(bench, 'crowd');
  await crowd.queue(10);
  const engine = bench.engine(basics, { queueBounds: { team: 1, all: 1 } });
  expect((await engine.start(await bench.request(one))).held).toBeDefined();
});
