import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Dispatch } from './dispatch/dispatch.ts';
import type { Engine } from './engine.ts';
import { commitRuns } from './journal/commit.ts';
import { anyTurn, claimTurnsOf } from './queue/claim.ts';
import type { Lease } from './queue/lease.ts';
import { claimExecution } from './testing/claim.ts';
import { type Bench, eventually, losingDispatch, openBench, settled } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

const nothing = { outputText: undefined, error: undefined, steps: [], logs: [], progress: false, parentId: null };

/** What a commit of a lease with one event says of it. */
function of(lease: Lease | undefined) {
  const { id = '', fence = '', workflowId = '', events = 0, sequence = 0, signals = 0 } = lease ?? {};
  return { id, fence, workflowId, events: events + 1, sequence, signals, timeLimit: 60 };
}
const sleeps = (ms: number) => ({ nodes: [{ id: 'a', type: 'later', params: { ms } }] });

/** A node that counts its runs by execution, and two engines that have it. */
function counted(ms: number) {
  const runs = new Map<string, number>();
  const count = node('count', async ({ scope }) => {
    const id = String(scope.run.id);
    runs.set(id, (runs.get(id) ?? 0) + 1);
    await sleep(ms);
    return { output: null };
  });
  return { runs, types: [...basics, count] };
}

test('a start runs at once also while a sweep is under way', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics, { slots: 2 });
  engine.work();
  const started = await engine.start(await bench.request(sleeps(0)));
  expect((await settled(started)).status).toBe('completed');
});

test('without a free slot an execution is pending, and is taken as soon as one is free', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics, { slots: 1 });
  const request = await bench.request(sleeps(200));
  const first = await engine.start(request);
  const second = await engine.start(request);
  expect(second).toMatchObject({ execution: { status: 'pending', startedAt: null }, held: undefined });
  const { finishedAt } = await settled(first);
  // The engine does not sweep on its own (`work` was not called), so only the freed slot can have taken it.
  const ended = await engine.wait(bench.teamId, second.execution.id, 5_000);
  expect(ended?.status).toBe('completed');
  expect(Number(ended?.startedAt) - Number(finishedAt)).toBeLessThan(150);
});

test('two engines whose messages arrive three times each run no execution twice', async () => {
  await using bench = await openBench();
  const { runs, types } = counted(20);
  const looks: ((id: string) => Promise<void>)[] = [];
  const repeating: Dispatch = {
    ...losingDispatch,
    async send(ids) {
      for (const id of ids) for (const look of [...looks, ...looks, ...looks]) void look(id).catch(() => {});
    },
    consume: (look) => looks.push(look),
  };
  const engines = [1, 2].map(() => bench.engine(types, { slots: 4, dispatch: repeating }));
  for (const engine of engines) engine.work();
  const request = await bench.request({ nodes: [{ id: 'a', type: 'count' }] });
  const started = await Promise.all(Array.from({ length: 60 }, (_, n) => engines[n % 2]?.start(request)));
  for (const one of started) {
    const id = one?.execution.id ?? '';
    expect((await engines[0]?.wait(bench.teamId, id, 10_000))?.status).toBe('completed');
    expect(runs.get(id)).toBe(1);
  }
});

test('claims made at once never give two workers the same execution', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(sleeps(0));
  const ids = await Promise.all(Array.from({ length: 30 }, async () => (await idle.start(request)).execution.id));
  const workers = ids.slice(0, 6);
  const claims = workers.map((worker) => {
    return claimTurnsOf(bench.database, { worker, most: 10, turn: anyTurn(worker), except: [] });
  });
  const claimed = await Promise.all(claims);
  const all = claimed.flat().map(({ id }) => id);
  expect(all).toHaveLength(30);
  expect(new Set(all).size).toBe(30);
  expect(await claimExecution(bench.database, ids[0] ?? '', ids[1] ?? '')).toBeUndefined();
  await Promise.all(ids.map((id) => idle.cancel(bench.teamId, id)));
});

test('an engine that closes hands back at once; another goes on after the last step, which is not repeated', async () => {
  await using bench = await openBench();
  const { runs, types } = counted(150);
  const closing = bench.engine(types);
  closing.work();
  const request = await bench.request({
    nodes: ['a', 'b', 'c'].map((id) => ({ id, type: id === 'b' ? 'later' : 'count', params: { ms: 1 } })),
    edges: [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ],
  });
  const started = await Promise.all(Array.from({ length: 5 }, () => closing.start(request)));
  await sleep(50);
  const at = performance.now();
  await closing.close();
  expect(performance.now() - at).toBeLessThan(1_000);
  for (const { execution } of started) {
    expect(await bench.execution(execution.id)).toMatchObject({ status: 'pending', worker: null });
    expect(await bench.steps(execution.id)).toMatchObject([{ path: 'a', status: 'completed' }]);
  }
  const other = bench.engine(types);
  other.work();
  for (const { execution } of started) {
    expect((await other.wait(bench.teamId, execution.id, 5_000))?.status).toBe('completed');
    expect(runs.get(execution.id)).toBe(2);
    expect((await bench.steps(execution.id)).map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
    expect((await bench.execution(execution.id)).crashes).toBe(0);
  }
});

test('an engine that closes while it claims leaves nothing leased', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(sleeps(0));
  for (let round = 0; round < 20; round += 1) {
    const { execution } = await idle.start(request);
    const closing = bench.engine(basics);
    closing.work();
    await closing.close();
    expect((await bench.execution(execution.id)).worker).toBe(null);
    await idle.cancel(bench.teamId, execution.id);
  }
});

test('an execution that has killed five workers is given up, its open step closed; others go on', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(sleeps(0));
  const { execution: poison } = await idle.start(request);
  for (let death = 1; death <= 5; death += 1) {
    const lease = await claimExecution(bench.database, poison.id, poison.id);
    expect(lease?.crashes).toBe(death - 1);
    const step = { path: 'a', position: 0, nodeId: 'a', type: 'later', status: 'running' as const, attempt: death };
    const none = {
      port: undefined,
      inputText: undefined,
      output: undefined,
      outputText: undefined,
      error: undefined,
      progressText: undefined,
    };
    const times = {
      suspension: undefined,
      resolution: undefined,
      wait: undefined,
      wakeAtMs: undefined,
      startedAt: new Date(),
      finishedAt: undefined,
    };
    const [committed] = await commitRuns(bench.database, [
      {
        ...of(lease),
        status: 'running',
        ...nothing,
        steps: [{ ...step, ...none, ...times, sequence: of(lease).events }],
      },
    ]);
    expect(committed).toBeDefined();
    await bench.expire();
  }
  const { execution: good } = await idle.start(request);
  const engine = bench.engine(basics);
  engine.work();
  const ended = await engine.wait(bench.teamId, poison.id, 5_000);
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'quarantined' } });
  expect((await engine.wait(bench.teamId, good.id, 5_000))?.status).toBe('completed');
  await eventually(async () => (await bench.steps(poison.id)).every(({ status }) => status === 'cancelled'));
});

test('a take-over after progress does not count towards quarantine', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const { execution } = await idle.start(await bench.request(sleeps(0)));
  for (let death = 1; death <= 7; death += 1) {
    const lease = await claimExecution(bench.database, execution.id, execution.id);
    const commit = { ...of(lease), status: 'running' as const, ...nothing, progress: true };
    await commitRuns(bench.database, [commit]);
    await bench.expire();
  }
  const engine = bench.engine(basics);
  engine.work();
  expect((await engine.wait(bench.teamId, execution.id, 5_000))?.status).toBe('completed');
});

test('in one statement, a commit with an old fence is refused beside one with the current fence', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const { execution } = await idle.start(await bench.request(sleeps(0)));
  const { id } = execution;
  const old = await claimExecution(bench.database, id, id);
  await bench.expire();
  const current = await claimExecution(bench.database, id, id);
  const step = (path: string) => ({
    ...{ path, position: 0, nodeId: path, type: 'value', status: 'completed' as const, attempt: 1, port: undefined },
    ...{
      inputText: undefined,
      output: 1,
      outputText: '1',
      error: undefined,
      progressText: undefined,
      wait: undefined,
      wakeAtMs: undefined,
    },
    ...{ startedAt: new Date(), finishedAt: new Date(), sequence: 4, suspension: undefined, resolution: undefined },
  });
  const line = (message: string) => ({
    ...{ path: 'a', level: 'info' as const, message, dataText: 'null', at: new Date(), sequence: 5 },
  });
  const commits = [
    {
      ...of(old),
      status: 'completed' as const,
      ...nothing,
      steps: [step('zombie')],
      logs: [{ ...line('zombie'), position: 0 }],
    },
    {
      ...of(current),
      status: 'running' as const,
      ...nothing,
      steps: [step('real')],
      logs: [{ ...line('real'), position: 1 }],
    },
  ];
  const [refused, accepted] = await commitRuns(bench.database, commits);
  expect(refused).toBeUndefined();
  expect(accepted).toBeDefined();
  expect((await bench.execution(id)).status).toBe('running');
  expect((await bench.steps(id)).map(({ path }) => path)).toEqual(['real']);
  expect((await bench.logs(id)).map(({ message }) => message)).toEqual(['real']);
  await idle.cancel(bench.teamId, id);
});

test('an engine that takes again what it still runs, after an outage, stops the first run and knows only the second', async () => {
  await using bench = await openBench();
  const signals: AbortSignal[] = [];
  const slow = node('slow', async ({ signal }) => {
    signals.push(signal);
    await sleep(60_000, undefined, { signal });
    return { output: null };
  });
  const engine = bench.engine([...basics, slow]);
  engine.work();
  const { execution } = await engine.start(await bench.request({ nodes: [{ id: 'a', type: 'slow' }] }));
  await eventually(() => signals.length === 1);
  // Sometimes its renewal comes before its sweep, and there is nothing to take.
  await eventually(async () => {
    await bench.expire();
    await sleep(20);
    return signals.length > 1;
  });
  const current = signals.at(-1);
  await eventually(() => signals.filter(({ aborted }) => !aborted).length === 1);
  expect(current?.aborted).toBe(false);
  expect(await engine.cancel(bench.teamId, execution.id)).toBe(true);
  expect(current?.aborted).toBe(true);
});

/** Does something to the connection on which an engine waits to read a definition; then lets it be read. */
async function disturbReading(bench: Bench, engine: Engine, act: 'pg_cancel_backend' | 'pg_terminate_backend') {
  const blocker = await bench.database.pool.connect();
  try {
    await blocker.query('begin');
    await blocker.query('lock table definitions in access exclusive mode');
    engine.work();
    await eventually(async () => {
      const { rows } = await bench.database.pool.query(
        `select ${act}(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%from definitions%'`,
      );
      return rows.length === 1;
    });
    await blocker.query('commit');
  } finally {
    blocker.release();
  }
}

test('a connection that breaks while the definition is read costs nothing', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const { execution } = await idle.start(await bench.request(sleeps(0)));
  const engine = bench.engine(basics);
  await disturbReading(bench, engine, 'pg_terminate_backend');
  expect((await engine.wait(bench.teamId, execution.id, 10_000))?.status).toBe('completed');
  expect((await bench.execution(execution.id)).fence).toBe('2');
});

test('that a definition could not be read is no verdict on it: the next lease reads it', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const { execution } = await idle.start(await bench.request(sleeps(0)));
  const engine = bench.engine(basics);
  await disturbReading(bench, engine, 'pg_cancel_backend');
  await eventually(() => bench.errors.length > 0);
  expect((await bench.execution(execution.id)).status).toBe('running');
  await bench.expire();
  expect((await engine.wait(bench.teamId, execution.id, 10_000))?.status).toBe('completed');
});

test('a definition that this installation cannot run fails the execution, with a word to the log', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  const ended = await bench.run(engine, { nodes: [{ id: 'a', type: 'plugin.removed' }] });
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'invalid_workflow' } });
  expect(bench.errors).toHaveLength(1);
});
