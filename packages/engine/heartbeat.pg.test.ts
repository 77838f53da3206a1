import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import { NodeError } from './node-error.ts';
import { defineNode } from './node-type.ts';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { effectsTable } from './testing/fault-nodes.ts';
import { basics, node } from './testing/nodes.ts';
import { there } from './testing/streams.ts';
import { kill, startWorker } from './testing/worker-process.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A node that is told when to end. */
function gated(first: (heartbeat: (progress?: Json) => void) => void, effect = true) {
  const gate = Promise.withResolvers<void>();
  const gatedNode = node(
    'gated',
    async ({ heartbeat }) => {
      first(heartbeat);
      await gate.promise;
      return { output: 'done' };
    },
    { effect, heartbeats: true },
  );
  return { node: gatedNode, open: () => gate.resolve() };
}

async function startOf(engine: Engine, definition: DefinitionInput): Promise<string> {
  return (await engine.start(await bench.request(definition))).execution.id;
}

async function progressOf(id: string, path: string): Promise<unknown> {
  const { rows } = await bench.database.pool.query('select progress from steps where execution_id = $1 and path = $2', [
    id,
    path,
  ]);
  return rows[0]?.progress;
}

test.each([true, false])(
  'an attempt that gives no sign of life fails as heartbeat_timeout, and is tried again (effect: %s)',
  async (effect) => {
    let attempts = 0;
    let told = false;
    const hangs = node(
      'hangs',
      async ({ signal, heartbeat }) => {
        attempts += 1;
        if (attempts > 1) return { output: 'at last' };
        signal.addEventListener('abort', () => {
          told = true;
        });
        heartbeat();
        return new Promise(() => {});
      },
      { effect, heartbeats: true },
    );
    const settings = { heartbeatTimeoutMs: 50, retry: { intervalMs: 1, on: ['heartbeat_timeout'] } };
    const definition = { nodes: [{ id: 'a', type: 'hangs', ...settings }] };
    expect(await bench.run(bench.engine([hangs]), definition)).toMatchObject({
      status: 'completed',
      output: 'at last',
    });
    expect({ attempts, told }).toEqual({ attempts: 2, told: true });

    attempts = 0;
    const { retry, ...once } = settings;
    const { error } = await bench.run(bench.engine([hangs]), { nodes: [{ id: 'a', type: 'hangs', ...once }] });
    const message = 'The node gave no sign of life for 50 ms.';
    expect(error).toEqual({ code: 'heartbeat_timeout', message, nodeId: 'a' });
  },
);

test('signs of life keep a node going for longer than its heartbeatTimeoutMs, but not than its timeoutMs', async () => {
  let times = 10;
  const beats = node(
    'beats',
    async ({ heartbeat, signal }) => {
      for (let count = 0; count < times; count += 1) {
        await sleep(30, undefined, { signal });
        heartbeat();
      }
      return { output: 'done' };
    },
    { heartbeats: true },
  );
  const engine = bench.engine([beats]);
  const a = { id: 'a', type: 'beats', heartbeatTimeoutMs: 100 };
  expect(await bench.run(engine, { nodes: [a] })).toMatchObject({ status: 'completed', output: 'done' });
  times = Number.POSITIVE_INFINITY;
  expect(await bench.run(engine, { nodes: [{ ...a, timeoutMs: 300 }] })).toMatchObject({ error: { code: 'timeout' } });
});

test('progress is seen with the step while it runs, in the journal and in the stream, and stays when it is over', async () => {
  const { node: reads, open } = gated((heartbeat) => heartbeat({ pages: 1 }));
  const engine = bench.engine([reads]);
  const id = await startOf(engine, { nodes: [{ id: 'a', type: 'gated' }] });
  const told: Json[] = [];
  for await (const { event } of there(await engine.events(bench.teamId, id))) {
    if (event.event !== 'step') continue;
    told.push([event.data.status, event.data.progress]);
    if (event.data.progress === null) continue;
    if (event.data.status === 'running') expect(await progressOf(id, 'a')).toEqual({ pages: 1 });
    open();
  }
  expect(told.slice(-2)).toEqual([
    ['running', { pages: 1 }],
    ['completed', { pages: 1 }],
  ]);
});

test('the next attempt is given the last progress of the one that failed', async () => {
  const given: (Json | undefined)[] = [];
  const goesOn = node(
    'goesOn',
    async ({ heartbeat, lastProgress }) => {
      given.push(lastProgress);
      if (given.length === 3) return { output: lastProgress ?? null };
      for (const page of [1, 2]) heartbeat({ attempt: given.length, page });
      throw new NodeError('broken', 'as told');
    },
    { effect: true, heartbeats: true },
  );
  const a = { id: 'a', type: 'goesOn', retry: { intervalMs: 1, jitter: 'none' as const } };
  const { output } = await bench.run(bench.engine([goesOn]), { nodes: [a] });
  expect(given).toEqual([undefined, { attempt: 1, page: 2 }, { attempt: 2, page: 2 }]);
  expect(output).toEqual({ attempt: 2, page: 2 });
});

test('after a kill -9 the next worker is given the last progress, and goes on from there', async () => {
  await using own = await openBench();
  await own.database.pool.query(effectsTable);
  const first = await startWorker(own.url);
  first.send({ start: await own.request({ nodes: [{ id: 'a', type: 'resumes' }] }), times: 1 });
  const { id, done } = await eventually(async () => {
    const { rows } = await own.database.pool.query<{ id: string; done: number }>(
      `select execution_id as id, (progress ->> 'done')::int as done from steps where (progress ->> 'done')::int >= 2`,
    );
    return rows[0];
  });
  await kill(first);
  await own.expire();
  const second = await startWorker(own.url);
  const output = await eventually(async () => (await own.execution(id)).output);
  await kill(second);
  expect(output).toBeGreaterThanOrEqual(done);
  const { rows } = await own.database.pool.query<{ key: string; times: number }>(
    'select key, count(*)::int as times from effects group by key order by key',
  );
  expect(rows.map(({ key }) => key)).toEqual(Array.from({ length: 8 }, (_, place) => `${id}:a:${place}`));
  // What the progress told of was not done again; what came after it at most was.
  expect(rows.slice(0, done).map(({ times }) => times)).toEqual(rows.slice(0, done).map(() => 1));
});

test('a flood of signs of life costs a write a second at most', async () => {
  await using own = await openBench();
  await own.database.pool.query(`
    create table writes (at timestamptz);
    create function count_write() returns trigger language plpgsql as $$
      begin insert into writes values (clock_timestamp()); return null; end $$;
    create trigger count_write after insert or update on steps for each row execute function count_write()`);
  const floods = node(
    'floods',
    async ({ heartbeat }) => {
      for (let count = 0; count < 100_000; count += 1) {
        heartbeat({ count });
        if (count % 1_000 === 0) await sleep(10);
      }
      return { output: null };
    },
    { effect: true, heartbeats: true },
  );
  const { id, startedAt, finishedAt } = await own.run(own.engine([floods]), { nodes: [{ id: 'a', type: 'floods' }] });
  const seconds = (Number(finishedAt) - Number(startedAt)) / 1_000;
  const { rows } = await own.database.pool.query<{ count: number }>('select count(*)::int as count from writes');
  // Its begin, its end, and one for each second that has begun.
  expect(rows[0]?.count).toBeGreaterThan(2);
  expect(rows[0]?.count).toBeLessThanOrEqual(2 + Math.ceil(seconds) + 1);
  const [step] = await own.steps(id);
  expect(step).toMatchObject({ status: 'completed', progress: { count: 99_999 } });
  // Events are numbered for what is written, not for what is told.
  expect((await own.execution(id)).events).toBeLessThanOrEqual(8 + Math.ceil(seconds));
});

test.each([true, false])('a result that comes while progress is being written is kept (effect: %s)', async (effect) => {
  let isTold = false;
  const { node: reads, open } = gated((heartbeat) => {
    heartbeat({ pages: 1 });
    isTold = true;
  }, effect);
  const engine = bench.engine([reads], {
    // Between the commit of the progress and what this process makes of it.
    async atFaultPoint(point) {
      if (point !== 'committed' || !isTold) return;
      open();
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    },
  });
  const { id } = await bench.run(engine, { nodes: [{ id: 'a', type: 'gated' }] });
  const progress = { pages: 1 };
  expect(await bench.steps(id)).toMatchObject([{ status: 'completed', input: {}, output: 'done', progress }]);
});

test('an attempt whose execution somebody else has is stopped by its next sign of life, which is not written', async () => {
  const zombie = node(
    'works',
    async ({ heartbeat, signal }) => {
      const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve));
      heartbeat('of the first');
      await Promise.race([stopped, gate.promise]);
      heartbeat('too late');
      await stopped;
      heartbeat('much too late');
      return { output: 'of the first' };
    },
    { effect: true, heartbeats: true },
  );
  const gate = Promise.withResolvers<void>();
  const heir = node('works', ({ lastProgress = null }) => ({ output: lastProgress }), { effect: true });
  // It renews no lease, so that nothing but what it writes can tell it that the lease is gone.
  const { execution, held } = await bench
    .engine([zombie])
    .start(await bench.request({ nodes: [{ id: 'a', type: 'works' }] }));
  const { id } = execution;
  await eventually(async () => (await progressOf(id, 'a')) === 'of the first');
  await bench.expire();
  const other = bench.engine([heir]);
  other.nudge([id]);
  expect(await other.wait(bench.teamId, id, 10_000)).toMatchObject({ status: 'completed', output: 'of the first' });
  gate.resolve();
  await held;
  expect(await progressOf(id, 'a')).toBe('of the first');
});

test('a loop shows how many of its items are through, while it runs and afterwards', async () => {
  const gate = Promise.withResolvers<void>();
  const item = node(
    'item',
    async ({ scope }) => {
      if (scope.item === 'bad') throw new NodeError('broken', 'as told');
      if (scope.item === 'slow') await gate.promise;
      return { output: scope.item ?? null };
    },
    { effect: true },
  );
  const engine = bench.engine([...basics, item]);
  const params = {
    items: ['good', 'bad', 'good', 'slow'],
    concurrency: 1,
    onItemError: 'continue',
    body: { nodes: [{ id: 'one', type: 'item' }] },
  };
  const id = await startOf(engine, { nodes: [{ id: 'all', type: 'each', params }] });
  await eventually(async () => JSON.stringify(await progressOf(id, 'all')) === '{"done":3,"failed":1,"items":4}');
  expect(await engine.wait(bench.teamId, id, 0)).toMatchObject({ status: 'running' });
  gate.resolve();
  await engine.wait(bench.teamId, id, 10_000);
  expect(await progressOf(id, 'all')).toEqual({ done: 4, failed: 1, items: 4 });
});

test('progress that is too large fails the attempt, and secrets are kept out of it', async () => {
  const told: Json[] = ['x'.repeat(limits.progressBytes), 'said swordfish'];
  const tells = defineNode({
    type: 'tells',
    title: 'For a test',
    description: 'For a test',
    params: z.strictObject({}),
    effect: true,
    credential: true,
    run: (_, { heartbeat }) => {
      heartbeat(told.shift());
      return { output: null };
    },
  });
  const hide = (text: string) => text.replaceAll('swordfish', '[redacted]');
  const credentials: Credentials = {
    known: async (_, ids) => new Map(ids.map((id) => [id, true])),
    open: async () => ({
      text: hide,
      json: (value) => JSON.parse(hide(JSON.stringify(value))),
      use: async () => ({ headers: {}, query: {}, secretHeaders: [] }),
    }),
  };
  const a = { id: 'a', type: 'tells', credentialId: randomUUID(), retry: { intervalMs: 1, on: ['value_too_large'] } };
  const { id } = await bench.run(bench.engine([tells], { credentials }), { nodes: [a] });
  const [step] = await bench.steps(id);
  expect(step).toMatchObject({ status: 'completed', attempt: 2, progress: 'said [redacted]' });
});
