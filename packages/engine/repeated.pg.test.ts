import { newId } from '@flowplane/db/id';
import { expect, test } from 'vitest';
import type { FaultPoint } from './fault-points.ts';
import { commitRuns } from './journal/commit.ts';
import { deliverEvent } from './signal.ts';
import { claimExecution } from './testing/claim.ts';
import { eventually, openBench } from './testing/engine.ts';
import { effectsTable, faultNodes } from './testing/fault-nodes.ts';
import { publish } from './testing/publish.ts';

test('a commit that is repeated because its answer was lost does not undo an event that came in between', async () => {
  await using bench = await openBench();
  const types = faultNodes(bench.database);
  const idle = bench.engine(types, { slots: 0 });
  const request = await bench.request({ nodes: [{ id: 'gate', type: 'gate', params: { match: {} } }] });
  const { id } = (await idle.start(request)).execution;
  const lease = await claimExecution(bench.database, id, id);
  if (!lease) throw new Error('The execution is not due');
  const step = {
    ...{
      path: 'gate',
      position: 0,
      nodeId: 'gate',
      type: 'gate',
      status: 'waiting' as const,
      attempt: 1,
      port: undefined,
    },
    ...{
      inputText: '{}',
      output: null,
      outputText: 'null',
      error: undefined,
      progressText: undefined,
      wait: undefined,
      resolution: undefined,
    },
    ...{ wakeAtMs: undefined, startedAt: new Date(), finishedAt: undefined, sequence: lease.events + 1 },
    suspension: { kind: 'event' as const, event: 'paid', match: {}, id: newId() },
  };
  const commit = {
    ...{ id, fence: lease.fence, workflowId: lease.workflowId, status: 'waiting' as const, steps: [step], logs: [] },
    ...{ events: lease.events + 2, sequence: lease.events + 2, signals: lease.signals, timeLimit: 60, parentId: null },
    ...{ outputText: undefined, error: undefined, progress: true },
  };
  await commitRuns(bench.database, [commit]);
  expect(await deliverEvent(bench.database.db, { teamId: bench.teamId, event: 'paid', data: 'money' })).toEqual([id]);
  await commitRuns(bench.database, [commit]);
  const engine = bench.engine(types);
  engine.nudge([id]);
  expect(await engine.wait(bench.teamId, id, 5_000)).toMatchObject({ status: 'completed', output: 'money' });
});

for (const point of ['calling', 'called'] satisfies FaultPoint[]) {
  test(`a worker that lost its lease while ${point === 'calling' ? 'about to call' : 'calling'} a workflow calls it no second time when it goes on`, async () => {
    await using bench = await openBench();
    await bench.database.pool.query(effectsTable);
    const types = faultNodes(bench.database);
    const workflowId = await publish(bench, { nodes: [{ id: 'ship', type: 'effect' }] });
    const request = await bench.request({ nodes: [{ id: 'call', type: 'call', params: { workflowId, input: 1 } }] });
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
    let frozen = false;
    const zombie = bench.engine(types, {
      async atFaultPoint(at) {
        if (at !== point || frozen) return;
        frozen = true;
        await thawed;
      },
    });
    const { execution } = await zombie.start(request);
    await eventually(() => frozen);
    await bench.expire();
    const heir = bench.engine(types);
    heir.work();
    expect((await heir.wait(bench.teamId, execution.id, 10_000))?.status).toBe('completed');
    thaw();
    await zombie.close();
    const { rows } = await bench.database.pool.query('select id from executions where parent_id = $1', [execution.id]);
    expect(rows).toHaveLength(1);
    const { rows: effects } = await bench.database.pool.query('select key from effects');
    expect(effects).toEqual([{ key: `${rows[0].id}:ship` }]);
  });
}

test('what an execution has called ends with it also when its worker dies in between', async () => {
  await using bench = await openBench();
  const types = faultNodes(bench.database);
  const workflowId = await publish(bench, { nodes: [{ id: 'gate', type: 'gate', params: { match: {} } }] });
  const request = await bench.request({
    nodes: [{ id: 'call', type: 'call', params: { workflowId, input: 1 } }],
    timeoutSeconds: 2,
  });
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
  let dead = 0;
  const dying = bench.engine(types, {
    async atFaultPoint(at) {
      if (at !== 'ended') return;
      dead += 1;
      await thawed;
    },
  });
  dying.work();
  const { execution } = await dying.start(request);
  await eventually(() => dead === 1);
  const heir = bench.engine(types);
  heir.work();
  const child = await bench.database.pool.query('select id from executions where parent_id = $1', [execution.id]);
  const ended = await heir.wait(bench.teamId, child.rows[0].id, 10_000);
  expect(ended?.status).toBe('cancelled');
  thaw();
}, 30_000);
