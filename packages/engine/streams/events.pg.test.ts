import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionEvent } from '@flowplane/contract/execution';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../engine.ts';
import { claimExecution } from '../testing/claim.ts';
import { type Bench, type DefinitionInput, eventually, openBench, settled } from '../testing/engine.ts';
import { basics, node } from '../testing/nodes.ts';
import { all, take, there } from '../testing/streams.ts';
import type { Named } from './follow.ts';

let bench: Bench;
let engine: Engine;
/** Runs nothing: what it sees was done by another process. */
let other: Engine;

const says = node('says', ({ log }) => {
  for (const line of ['one', 'two', 'three']) log('info', line, { line });
  return { output: null };
});
const effect = node(
  'effect',
  async ({ signal }) => {
    await sleep(150, undefined, { signal });
    return { output: 'done' };
  },
  { effect: true },
);
const endless = node(
  'endless',
  async ({ signal }) => {
    await sleep(60_000, undefined, { signal });
    return { output: null };
  },
  { effect: true },
);
const large = node('large', () => ({ output: 'x'.repeat(200_000) }));
const deaf = node(
  'deaf',
  async () => {
    await sleep(5_600);
    return { output: 'too late' };
  },
  { effect: true },
);
const types = [...basics, says, effect, endless, large, deaf];

beforeAll(async () => {
  bench = await openBench();
  engine = bench.engine(types);
  engine.work();
  other = bench.engine(types, { slots: 0 });
});
afterAll(() => bench[Symbol.asyncDispose]());

function chain(...nodes: DefinitionInput['nodes']): DefinitionInput {
  return { nodes, edges: nodes.slice(1).map(({ id }, index) => ({ from: nodes[index]?.id ?? '', to: id })) };
}

function short({ event, data }: ExecutionEvent): string {
  if (event === 'step') return `${data.path} ${data.status}`;
  return event === 'log' ? data.message : `${event} ${data.status}`;
}

const order: DefinitionInput = {
  nodes: [
    { id: 'order', type: 'value', params: { value: { total: 210 } } },
    { id: 'big', type: 'pick', params: { port: 'a' } },
    { id: 'gold', type: 'value', params: { value: 'gold' } },
    { id: 'basic', type: 'value', params: { value: 'basic' } },
  ],
  edges: [
    { from: 'order', to: 'big' },
    { from: 'big', port: 'a', to: 'gold' },
    { from: 'big', port: 'b', to: 'basic' },
  ],
};

const told: [string, DefinitionInput, string[]][] = [
  [
    'the order workflow',
    order,
    ['order completed', 'big completed', 'basic skipped', 'gold completed', 'status completed', 'done completed'],
  ],
  [
    'one that fails',
    chain({ id: 'a', type: 'value' }, { id: 'b', type: 'fail' }, { id: 'c', type: 'value' }),
    ['a completed', 'b failed', 'status failed', 'done failed'],
  ],
  [
    'one that logs',
    chain({ id: 'a', type: 'says' }, { id: 'b', type: 'value' }),
    ['one', 'two', 'three', 'a completed', 'b completed', 'status completed', 'done completed'],
  ],
  [
    'one that waits',
    chain({ id: 'a', type: 'says' }, { id: 'b', type: 'wait', params: { seconds: 0.2 } }, { id: 'c', type: 'says' }),
    [
      ...['one', 'two', 'three', 'a completed', 'b completed', 'one', 'two', 'three', 'c completed'],
      ...['status completed', 'done completed'],
    ],
  ],
];

test.each(told)('%s: each event once, in order, and the rest of them after any', async (_, definition, expected) => {
  const { id } = await bench.run(engine, definition);
  const events = await all(await other.events(bench.teamId, id));
  expect(events.map(({ event }) => short(event))).toEqual(expected);
  const numbers = events.map((event) => Number(event.id));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  for (const [index, event] of events.entries()) {
    expect(await all(await other.events(bench.teamId, id, { after: event.id }))).toEqual(events.slice(index + 1));
  }
  expect(events.at(-1)?.event).toEqual({ event: 'done', data: await engine.wait(bench.teamId, id, 0) });
  expect(await all(await other.events(bench.teamId, id, { after: '999999999' }))).toEqual([]);
});

test.each([
  ['by the process that runs it', () => engine],
  ['by another process without Redis', () => other],
])('a running execution is followed live %s, and whoever resumes misses nothing', async (_, watcher) => {
  const definition = chain(
    { id: 'a', type: 'effect' },
    { id: 'b', type: 'says' },
    { id: 'c', type: 'wait', params: { seconds: 1.2 } },
    { id: 'd', type: 'effect' },
  );
  const { execution } = await engine.start(await bench.request(definition));
  const seen: Named<ExecutionEvent>[] = [];
  // Leaves after every third event and comes back.
  for (let after: string | undefined; seen.at(-1)?.event.event !== 'done'; after = seen.at(-1)?.id) {
    const stream = there(await watcher().events(bench.teamId, execution.id, { after }));
    for await (const event of stream) if (seen.push(event) % 3 === 0) break;
  }
  const numbers = seen.map(({ id }) => Number(id));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const texts = seen.map(({ event }) => short(event));
  for (const text of ['one', 'two', 'three', 'a completed', 'b completed', 'c waiting', 'c completed', 'd completed']) {
    expect(texts.filter((one) => one === text)).toEqual([text]);
  }
  expect(texts).toContain('status waiting');
  expect(texts.slice(-2)).toEqual(['status completed', 'done completed']);
});

test('what another process does is told within a second and a half, and what this one does at once', async () => {
  const { execution } = await engine.start(await bench.request(chain({ id: 'a', type: 'endless' })));
  const { id } = execution;
  const streams = [there(await engine.events(bench.teamId, id)), there(await other.events(bench.teamId, id))];
  await eventually(async () => (await bench.steps(id)).length > 0);
  const latest = (await all(await engine.events(bench.teamId, id, { signal: AbortSignal.timeout(200) }))).at(-1)?.id;
  for (const stream of streams) while ((await take(stream, 1))[0]?.id !== latest);
  await sleep(1_100);
  const delays = streams.map(async (stream) => {
    await stream.next();
    return performance.now() - at;
  });
  const at = performance.now();
  await engine.cancel(bench.teamId, id);
  const [here, elsewhere] = await Promise.all(delays);
  expect(here).toBeLessThan(500);
  expect(elsewhere).toBeLessThan(1_500);
  for (const stream of streams) expect((await all(stream)).at(-1)?.event).toMatchObject({ event: 'done' });
});

test('cancelled while it is watched, an execution tells its stopped step, its status and `done`, and nothing after', async () => {
  const { execution, held } = await engine.start(
    await bench.request(chain({ id: 'a', type: 'says' }, { id: 'b', type: 'endless' })),
  );
  const { id } = execution;
  await eventually(async () => (await bench.steps(id)).length > 1);
  const watched = all(await other.events(bench.teamId, id));
  await sleep(100);
  expect(await other.cancel(bench.teamId, id)).toBe(true);
  await held;
  const texts = (await watched).map(({ event }) => short(event));
  expect(texts.slice(-3)).toEqual(['b cancelled', 'status cancelled', 'done cancelled']);
  const { events, sequence } = await bench.execution(id);
  expect(events).toBe(sequence + 1);
});

test('a step that ends long after its execution has failed changes nothing any more', async () => {
  const { execution, held } = await engine.start(
    await bench.request({
      nodes: [
        { id: 'a', type: 'deaf' },
        { id: 'b', type: 'later', params: { ms: 100 } },
        { id: 'c', type: 'fail' },
      ],
      edges: [{ from: 'b', to: 'c' }],
    }),
  );
  expect((await held)?.status).toBe('failed');
  const before = [await bench.execution(execution.id), await bench.steps(execution.id)];
  await sleep(1_500);
  expect([await bench.execution(execution.id), await bench.steps(execution.id)]).toEqual(before);
}, 15_000);

test('numbers go on rising when a worker dies and another takes over, and when an execution is given up', async () => {
  const { execution } = await other.start(await bench.request(chain({ id: 'a', type: 'says' })));
  const { id } = execution;
  const stream = there(await other.events(bench.teamId, id));
  const numbers: number[] = [];
  const following = (async () => {
    for await (const event of stream) numbers.push(Number(event.id));
  })();
  const lone = bench.engine(types, { slots: 0 });
  for (let death = 0; death < 3; death += 1) {
    await eventually(async () => {
      await bench.database.pool.query('update executions set due_at = now() where id = $1 and due_at is not null', [
        id,
      ]);
      return (await claimExecution(bench.database, newId(), id)) ?? (await bench.execution(id)).due_at === null;
    });
  }
  await bench.expire();
  await lone.wait(bench.teamId, id, 10_000);
  await following;
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const { events, sequence } = await bench.execution(id);
  expect([events, numbers.at(-1)]).toEqual([sequence + 1, sequence + 1]);
});

test('an execution of many large values is read a little at a time, and arrives whole', async () => {
  const nodes = Array.from({ length: 30 }, (_, index) => ({ id: `n${index}`, type: 'large' }));
  const { id } = await bench.run(engine, { nodes, output: null });
  const events = await all(await other.events(bench.teamId, id));
  expect(events.filter(({ event }) => event.event === 'step')).toHaveLength(30);
});

test('thousands of readers who do not read cost little', async () => {
  const nodes = Array.from({ length: 200 }, (_, index) => ({ id: `n${index}`, type: 'says' }));
  const { id } = await bench.run(engine, { nodes, output: null });
  const before = process.memoryUsage();
  const leaving = new AbortController();
  const streams = await Promise.all(
    Array.from({ length: 1_000 }, async () => there(await other.events(bench.teamId, id, { signal: leaving.signal }))),
  );
  for (const stream of streams.slice(0, 500)) await take(stream, 1);
  const after = process.memoryUsage();
  expect(after.rss - before.rss).toBeLessThan(150_000_000);
  leaving.abort();
  for (const stream of streams) expect((await stream.next()).done).toBe(true);
});

test('another team has no events of it, and nobody of what does not exist', async () => {
  const { id } = await bench.run(engine, order);
  expect(await other.events(newId(), id)).toBeUndefined();
  expect(await other.events(bench.teamId, newId())).toBeUndefined();
});

test('a stream ends without `done` when its reader leaves, when the execution is deleted, and when the engine closes', async () => {
  const own = bench.engine(types, { slots: 0 });
  const request = await bench.request(chain({ id: 'a', type: 'wait', params: { seconds: 600 } }));
  const [kept, deleted] = await Promise.all([engine.start(request), engine.start(request)]);
  await Promise.all([settled(kept), settled(deleted)]);
  const leaving = new AbortController();
  const follow = async (id: string, signal?: AbortSignal) => all(await own.events(bench.teamId, id, { signal }));
  const left = follow(kept.execution.id, leaving.signal);
  const lost = follow(deleted.execution.id);
  const closed = follow(kept.execution.id);
  await sleep(100);
  leaving.abort();
  await bench.database.pool.query('delete from executions where id = $1', [deleted.execution.id]);
  await Promise.all([left, lost]);
  await own.close();
  for (const events of await Promise.all([left, lost, closed])) {
    expect(events.map(({ event }) => event.event)).toEqual(['step', 'status']);
  }
  await expect(own.events(bench.teamId, kept.execution.id)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await engine.cancel(bench.teamId, kept.execution.id)).toBe(true);
});

test('a workflow’s executions are stopped together, each with its own numbers', async () => {
  const request = await bench.request(
    chain({ id: 'a', type: 'says' }, { id: 'b', type: 'wait', params: { seconds: 600 } }),
  );
  const started = await Promise.all(Array.from({ length: 250 }, () => engine.start(request)));
  await Promise.all(started.slice(0, 10).map(settled));
  expect(await engine.stop(newId(), bench.workflowId)).toBe(0);
  expect(await engine.stop(bench.teamId, bench.workflowId)).toBe(250);
  expect(await engine.stop(bench.teamId, bench.workflowId)).toBe(0);
  const { rows } = await bench.database.pool.query(
    `select x.id from executions x where status <> 'cancelled' and finished_at is null
      or events <> sequence + 1 or exists (select from steps s where s.execution_id = x.id and s.sequence >= x.sequence)`,
  );
  expect(rows).toEqual([]);
});

test('nothing of this was our own failure', () => {
  expect(bench.errors).toEqual([]);
});
