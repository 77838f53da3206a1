import { randomUUID } from 'node:crypto';
import type { Json } from '@flowplane/contract/json';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import { NodeError } from './node-error.ts';
import type { NodeType, Suspension } from './node-type.ts';
import { decideApproval, deliverEvent } from './signal.ts';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';
import { publish } from './testing/publish.ts';

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

/** Waits for what its param says. */
const suspends = node('suspends', (_, params) => {
  const { suspend } = params as { suspend: Suspension };
  return { output: null, suspend };
});

const calls = node(
  'calls',
  async ({ call }, params) => {
    const {
      workflowId,
      onParentEnd = 'cancel',
      input = null,
    } = params as {
      workflowId: string;
      onParentEnd?: 'cancel' | 'leave';
      input?: Json;
    };
    return { output: null, suspend: { kind: 'call', childId: await call({ workflowId, input, onParentEnd }) } };
  },
  { effect: true },
);

function engineOf(types: NodeType[] = [...basics, suspends, calls]): Engine {
  const engine = bench.engine(types);
  engine.work();
  engines.push(engine);
  return engine;
}

function awaiting(suspend: object): DefinitionInput {
  const params = JSON.parse(JSON.stringify({ suspend }));
  return { nodes: [{ id: 'gate', type: 'suspends', params }], edges: [] };
}

async function startWaiting(engine: Engine, definition: DefinitionInput, input: Json = null): Promise<string> {
  const { execution } = await engine.start(await bench.request(definition, input));
  await eventually(async () => (await bench.execution(execution.id)).status === 'waiting');
  return execution.id;
}

async function post(engine: Engine, event: string, data: Json, teamId = bench.teamId): Promise<string[]> {
  const ids = await deliverEvent(bench.database.db, { teamId, event, data });
  engine.nudge(ids);
  return ids;
}

async function ended(engine: Engine, id: string) {
  const execution = await engine.wait(bench.teamId, id, 10_000);
  if (!execution?.finishedAt) throw new Error(`The execution is ${execution?.status} after 10 s`);
  return execution;
}

test('an event goes to the steps that wait for its name and data, once each, and to no other', async () => {
  const engine = engineOf();
  const gate = (orderId: number) => awaiting({ kind: 'event', event: 'paid', match: { order: { id: orderId } } });
  const first = await startWaiting(engine, gate(1));
  const second = await startWaiting(engine, gate(2));
  expect(await bench.execution(first)).toMatchObject({ worker: null });
  expect(await post(engine, 'paid', { order: { id: 3, more: true } })).toEqual([]);
  expect(await post(engine, 'shipped', { order: { id: 1 } })).toEqual([]);
  expect(await post(engine, 'paid', { order: { id: 1 } }, randomUUID())).toEqual([]);
  const data = { order: { id: 1, total: 210 } };
  expect(await post(engine, 'paid', data)).toEqual([first]);
  expect(await ended(engine, first)).toMatchObject({ status: 'completed', output: data });
  expect(await post(engine, 'paid', data)).toEqual([]);
  expect(await bench.execution(second)).toMatchObject({ status: 'waiting' });
});

test('a wait that is over too late fails with wait_timeout, and what comes later is not taken', async () => {
  const engine = engineOf();
  const definition = awaiting({ kind: 'event', event: 'never', match: {}, timeoutSeconds: 0.2 });
  const { execution } = await engine.start(await bench.request(definition));
  expect(await ended(engine, execution.id)).toMatchObject({
    status: 'failed',
    error: { code: 'wait_timeout', nodeId: 'gate' },
  });
  expect(await post(engine, 'never', {})).toEqual([]);
});

test('an event that comes while another branch is still under way is not lost', async () => {
  const engine = engineOf();
  const definition: DefinitionInput = {
    nodes: [
      { id: 'gate', type: 'suspends', params: { suspend: { kind: 'event', event: 'early', match: {} } } },
      { id: 'slow', type: 'later', params: { ms: 500, value: 'slow' } },
      { id: 'both', type: 'value', params: { value: '{{ [nodes.gate, nodes.slow] }}' } },
    ],
    edges: [
      { from: 'gate', to: 'both' },
      { from: 'slow', to: 'both' },
    ],
  };
  const { execution } = await engine.start(await bench.request(definition));
  await eventually(async () => (await bench.steps(execution.id)).some((step) => step.status === 'waiting'));
  await eventually(async () => (await post(engine, 'early', 'here')).length === 1);
  expect(await ended(engine, execution.id)).toMatchObject({ status: 'completed', output: ['here', 'slow'] });
});

test('a run that is busy for long learns of the event while it is', async () => {
  const engine = engineOf();
  const definition: DefinitionInput = {
    nodes: [
      { id: 'gate', type: 'suspends', params: { suspend: { kind: 'event', event: 'soon', match: {} } } },
      { id: 'after', type: 'value', params: { value: 'after' } },
      { id: 'slow', type: 'later', params: { ms: 6_000 } },
    ],
    edges: [{ from: 'gate', to: 'after' }],
  };
  const { execution } = await engine.start(await bench.request(definition));
  await eventually(async () => (await post(engine, 'soon', 1)).length === 1);
  await eventually(async () => {
    const steps = await bench.steps(execution.id);
    return steps.some((step) => step.path === 'gate' && step.status === 'completed');
  }, 8_000);
  await engine.cancel(bench.teamId, execution.id);
});

test('hundreds of waits in a loop each get their own event', async () => {
  const engine = engineOf();
  const items = Array.from({ length: 200 }, (_, index) => index);
  const definition: DefinitionInput = {
    nodes: [
      {
        id: 'all',
        type: 'each',
        params: {
          items,
          concurrency: 200,
          body: {
            nodes: [
              {
                id: 'gate',
                type: 'suspends',
                params: { suspend: { kind: 'event', event: 'item', match: { index: '{{ index }}' } } },
              },
            ],
            output: '{{ nodes.gate.value }}',
          },
        },
      },
    ],
    edges: [],
  };
  const id = await startWaiting(engine, definition);
  await Promise.all(items.map((index) => post(engine, 'item', { index, value: index * 2 })));
  expect(await ended(engine, id)).toMatchObject({ status: 'completed', output: items.map((index) => index * 2) });
});

test('an approval is decided once; afterwards, and when the execution has ended, it is not open any more', async () => {
  const engine = engineOf();
  const definition = awaiting({ kind: 'approval', request: { title: 'Sure?' } });
  const decide = async (executionId: string, output: Json) => {
    const resolution = { output };
    const decision = { teamId: bench.teamId, executionId, path: 'gate', by: null, resolution };
    const decided = await decideApproval(bench.database.db, decision);
    engine.nudge([executionId]);
    return decided;
  };
  const id = await startWaiting(engine, definition);
  expect(await Promise.all([decide(id, 'yes'), decide(id, 'no')]).then((all) => all.filter(Boolean))).toHaveLength(1);
  expect((await ended(engine, id)).status).toBe('completed');
  expect(await decide(id, 'again')).toBe(false);
  const cancelled = await startWaiting(engine, definition);
  await engine.cancel(bench.teamId, cancelled);
  expect(await decide(cancelled, 'yes')).toBe(false);
});

function calling(workflowId: string, more: object = {}): DefinitionInput {
  return { nodes: [{ id: 'call', type: 'calls', params: { workflowId, ...more } }], edges: [] };
}

async function childrenOf(id: string): Promise<{ id: string; status: string }[]> {
  const { rows } = await bench.database.pool.query('select id, status from executions where parent_id = $1', [id]);
  return rows;
}

test('a called workflow’s output is the step’s result', async () => {
  const engine = engineOf();
  const child = await publish(bench, {
    nodes: [{ id: 'twice', type: 'value', params: { value: '{{ input * 2 }}' } }],
    edges: [],
  });
  const { execution } = await engine.start(await bench.request(calling(child, { input: 21 })));
  expect(await ended(engine, execution.id)).toMatchObject({ status: 'completed', output: 42 });
  expect(await childrenOf(execution.id)).toMatchObject([{ status: 'completed' }]);
});

test('a called workflow’s failure fails the step, and one that is missing or not published says so', async () => {
  const engine = engineOf();
  const bad = await publish(bench, { nodes: [{ id: 'bad', type: 'fail' }], edges: [] });
  expect(await bench.run(engine, calling(bad))).toMatchObject({ status: 'failed', error: { code: 'call_failed' } });
  expect(await bench.run(engine, calling(randomUUID()))).toMatchObject({ error: { code: 'not_found' } });
  expect(await bench.run(engine, calling(bench.workflowId))).toMatchObject({ error: { code: 'not_published' } });
});

test('cancelling an execution cancels what it called, unless that is to be left', async () => {
  const engine = engineOf();
  const child = await publish(bench, { nodes: [{ id: 'long', type: 'wait', params: { seconds: 60 } }], edges: [] });
  for (const [onParentEnd, status] of [
    ['cancel', 'cancelled'],
    ['leave', 'waiting'],
  ] as const) {
    const id = await startWaiting(engine, calling(child, { onParentEnd }));
    await eventually(async () => (await childrenOf(id))[0]?.status === 'waiting');
    expect(await engine.cancel(bench.teamId, id)).toBe(true);
    expect(await childrenOf(id)).toMatchObject([{ status }]);
  }
});

test('cancelling what was called fails the step that waits for it', async () => {
  const engine = engineOf();
  const child = await publish(bench, { nodes: [{ id: 'long', type: 'wait', params: { seconds: 60 } }], edges: [] });
  const id = await startWaiting(engine, calling(child));
  const [called] = await eventually(async () => {
    const found = await childrenOf(id);
    return found[0]?.status === 'waiting' && found;
  });
  await engine.cancel(bench.teamId, called?.id ?? '');
  expect(await ended(engine, id)).toMatchObject({ status: 'failed', error: { code: 'call_cancelled' } });
});

test('a workflow that calls itself without end is stopped by a typed error', async () => {
  const engine = engineOf();
  const id = randomUUID();
  const { definitionHash, teamId } = await bench.request(calling(id));
  const { pool } = bench.database;
  await pool.query(
    `insert into workflows (id, team_id, name, description, definition, published_version) values ($1, $2, 'self', '', '{}', 1)`,
    [id, teamId],
  );
  await pool.query(
    'insert into workflow_versions (workflow_id, version, team_id, definition_hash) values ($1, 1, $2, $3)',
    [id, teamId, definitionHash],
  );
  const failed = await bench.run(engine, calling(id));
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'call_failed' } });
  expect(failed.error?.message).toContain('deep');
});

test('an execution that takes longer than it may ends, running or waiting', async () => {
  const engine = engineOf();
  const slow: DefinitionInput = {
    nodes: [{ id: 'slow', type: 'later', params: { ms: 30_000 } }],
    edges: [],
    timeoutSeconds: 1,
  };
  expect(await bench.run(engine, slow)).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } });
  const waiting: DefinitionInput = { ...awaiting({ kind: 'event', event: 'none', match: {} }), timeoutSeconds: 1 };
  const { id, ...failed } = await bench.run(engine, waiting);
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } });
  expect(await bench.steps(id)).toMatchObject([{ status: 'cancelled' }]);
});

test('a call that failed is made anew by the next attempt', async () => {
  let fails = true;
  const moody = node('moody', () => {
    if (fails) throw new NodeError('moody', 'not today');
    return { output: 'today' };
  });
  const engine = engineOf([...basics, suspends, calls, moody]);
  const child = await publish(bench, { nodes: [{ id: 'moody', type: 'moody' }], edges: [] });
  const definition = calling(child);
  const [call] = definition.nodes;
  if (!call) throw new Error('there is a node');
  const retrying = { ...definition, nodes: [{ ...call, retry: { intervalMs: 300, jitter: 'none' as const } }] };
  const { execution } = await engine.start(await bench.request(retrying));
  await eventually(async () => (await childrenOf(execution.id)).some(({ status }) => status === 'failed'));
  fails = false;
  expect(await ended(engine, execution.id)).toMatchObject({ status: 'completed', output: 'today' });
  expect((await childrenOf(execution.id)).map(({ status }) => status).sort()).toEqual(['completed', 'failed']);
});
