import { limits } from '@flowplane/contract/limits';
import { openDatabase } from '@flowplane/db/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import { type Bench, type DefinitionInput, eventually, openBench, settled } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

let bench: Bench;
let engine: Engine;

/** Steps that wait for the test: each call of `held` is listed, and ends when told or aborted. */
const calls: { key: string; end(): void; aborted(): boolean }[] = [];
const held = node('held', ({ idempotencyKey, signal }) => {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    calls.push({ key: idempotencyKey, end: () => resolve({ output: 'held' }), aborted: () => signal.aborted });
  });
});
const deep = node('deep', () => {
  let output: { [key: string]: object | string } = { end: '' };
  for (let depth = 0; depth < limits.jsonDepth + 1; depth += 1) output = { in: output };
  return { output: JSON.parse(JSON.stringify(output)) };
});
const bug = node('bug', () => {
  throw new TypeError('secret detail');
});
const chatty = node('chatty', ({ log }) => {
  for (let line = 0; line < limits.logLines + 50; line += 1) log('debug', `line ${line}`);
  return { output: null };
});
const never = node('never', () => new Promise(() => {}));

beforeAll(async () => {
  bench = await openBench();
  engine = bench.engine([...basics, held, deep, bug, chatty, never]);
  engine.work();
});
afterAll(() => bench[Symbol.asyncDispose]());

const say = (id: string, value: string) => ({ id, type: 'value', params: { value } });

test('a workflow of pure steps costs exactly two statements: the insert and one commit', async () => {
  const database = openDatabase(bench.url, { pointQueries: true });
  const quiet = bench.engine(basics, { database });
  const definition = { nodes: [say('a', 'x'), say('b', '{{ nodes.a }}')], edges: [{ from: 'a', to: 'b' }] };
  const request = await bench.request(definition);
  await settled(await quiet.start(request));
  let statements = 0;
  database.pool.on('acquire', () => {
    statements += 1;
  });
  const { id, status } = await settled(await quiet.start(request));
  expect([status, statements]).toEqual(['completed', 2]);
  expect(await bench.steps(id)).toMatchObject([{ status: 'completed' }, { status: 'completed', output: 'x' }]);
});

test('a value comes back with its keys in the order in which they went in', async () => {
  const definition = {
    nodes: [{ id: 'a', type: 'value', params: { value: { z: 1, a: { y: 2, b: '{{ input }}' } } } }],
  };
  const { id } = await bench.run(engine, definition, { zz: 1, aa: 2 });
  const stored = await bench.execution(id);
  expect(JSON.stringify(stored.output)).toBe('{"z":1,"a":{"y":2,"b":{"zz":1,"aa":2}}}');
});

test('parallel branches run at once and are joined; a port that is not taken skips all that only it leads to', async () => {
  const started = performance.now();
  const ended = await bench.run(
    engine,
    {
      nodes: [
        { id: 'fork', type: 'pick', params: { port: '{{ input }}' } },
        { id: 'left', type: 'later', params: { ms: 300, value: 'l' } },
        { id: 'right', type: 'later', params: { ms: 300, value: 'r' } },
        say('join', '{{ nodes.left + nodes.right + (nodes.lost ?? "-") }}'),
        say('lost', 'lost'),
        say('after', '{{ nodes.lost }}'),
        say('merged', '{{ nodes.after ?? "only the join" }}'),
      ],
      edges: [
        { from: 'fork', port: 'a', to: 'left' },
        { from: 'fork', port: 'a', to: 'right' },
        { from: 'fork', port: 'b', to: 'lost' },
        { from: 'left', to: 'join' },
        { from: 'right', to: 'join' },
        { from: 'lost', to: 'join' },
        { from: 'lost', to: 'after' },
        { from: 'after', to: 'merged' },
        { from: 'join', to: 'merged' },
      ],
      output: '{{ [nodes.join, nodes.merged] }}',
    },
    'a',
  );
  expect(performance.now() - started).toBeLessThan(590);
  expect(ended).toMatchObject({ status: 'completed', output: ['lr-', 'only the join'] });
  const steps = Object.fromEntries((await bench.steps(ended.id)).map((step) => [step.path, step.status]));
  const done = 'completed';
  expect(steps).toEqual({
    fork: done,
    left: done,
    right: done,
    join: done,
    merged: done,
    lost: 'skipped',
    after: 'skipped',
  });
});

test('without an output, the result is the end node’s value, or the values of the end nodes that ran by id', async () => {
  const one = await bench.run(engine, { nodes: [say('a', 'x'), say('b', 'y')], edges: [{ from: 'a', to: 'b' }] });
  expect(one.output).toBe('y');
  const several = await bench.run(engine, {
    nodes: [{ id: 'fork', type: 'pick', params: { port: 'a' } }, say('b', 'y'), say('c', 'z'), say('constructor', 'q')],
    edges: [
      { from: 'fork', port: 'a', to: 'b' },
      { from: 'fork', port: 'b', to: 'c' },
    ],
  });
  expect(several.output).toEqual({ b: 'y', constructor: 'q' });
});

test('a failing step fails the execution; what is beside it is aborted, what waits beside it is closed', async () => {
  const ended = await bench.run(engine, {
    nodes: [
      { id: 'slow', type: 'held' },
      { id: 'sleep', type: 'wait', params: { seconds: 600 } },
      { id: 'short', type: 'later', params: { ms: 50 } },
      { id: 'bad', type: 'fail' },
      say('after', 'x'),
    ],
    edges: [
      { from: 'short', to: 'bad' },
      { from: 'slow', to: 'after' },
    ],
  });
  expect(ended).toMatchObject({ status: 'failed', output: null });
  expect(ended.error).toEqual({ code: 'told_to', message: 'as told', nodeId: 'bad' });
  expect(calls.at(-1)?.aborted()).toBe(true);
  const steps = await bench.steps(ended.id);
  const cancelled = steps.filter(({ status }) => status === 'cancelled').map(({ path }) => path);
  expect(cancelled.sort()).toEqual(['sleep', 'slow']);
  expect(steps.find(({ path }) => path === 'bad')).toMatchObject({ status: 'failed', error: ended.error });
  expect(steps.map(({ path }) => path)).not.toContain('after');
});

test('a step that ignores its abort signal holds up the end of a failed execution for some seconds only', async () => {
  const ended = await bench.run(engine, {
    nodes: [
      { id: 'deaf', type: 'never' },
      { id: 'bad', type: 'fail' },
    ],
  });
  expect(ended.status).toBe('failed');
  const deaf = (await bench.steps(ended.id)).find(({ path }) => path === 'deaf');
  expect(deaf?.status).toBe('cancelled');
});

test('a node’s own bug is told to the log, not to the author', async () => {
  const ended = await bench.run(engine, { nodes: [{ id: 'a', type: 'bug' }] });
  expect(ended.error).toMatchObject({ code: 'internal', nodeId: 'a' });
  expect(JSON.stringify(ended)).not.toContain('secret detail');
  expect(bench.errors.splice(0)).toMatchObject([{ message: 'secret detail' }]);
});

test('failures say what was wrong: expression, params, size, depth, output', async () => {
  const text = 'x'.repeat(700_000);
  const failing = async (params: { [key: string]: string | string[] }, output?: string | string[]) => {
    const nodes = [{ id: 'n', type: 'value', params }];
    const { error } = await bench.run(engine, output === undefined ? { nodes } : { nodes, output }, text);
    return error;
  };
  expect(await failing({ value: '{{ input.no.such }}' })).toMatchObject({ code: 'expression_failed', nodeId: 'n' });
  expect(await failing({ value: '{{ (() => { throw new Error("own") })() }}' })).toMatchObject({
    code: 'expression_failed',
    nodeId: 'n',
  });
  expect(await failing({ vaule: '' })).toMatchObject({ code: 'invalid_params', nodeId: 'n' });
  expect(await failing({ value: ['{{ input }}', '{{ input }}'] })).toMatchObject({
    code: 'value_too_large',
    nodeId: 'n',
  });
  expect(await failing({ value: 'é' }, ['{{ input }}', '{{ input }}'])).toMatchObject({ code: 'value_too_large' });
  expect(await failing({ value: '' }, '{{ nodes.n.x.y }}')).toMatchObject({ code: 'expression_failed' });
  const tooDeep = await bench.run(engine, { nodes: [{ id: 'n', type: 'deep' }] });
  expect(tooDeep.error).toMatchObject({ code: 'invalid_value', nodeId: 'n' });
});

test('many large values are committed on the way instead of piling up', async () => {
  const text = 'x'.repeat(1_000_000);
  const wide = Array.from({ length: 40 }, (_, index) => say(`n${index}`, '{{ input }}'));
  const database = openDatabase(bench.url, { pointQueries: true });
  let statements = 0;
  database.pool.on('acquire', () => {
    statements += 1;
  });
  const own = bench.engine(basics, { database });
  const ended = await bench.run(own, { nodes: wide, output: '{{ nodes.n39.length }}' }, text);
  expect(ended).toMatchObject({ status: 'completed', output: text.length });
  const { rows } = await bench.database.pool.query<{ size: number }>(
    `select sum(length(input::text) + length(output::text))::int as size from steps where execution_id = $1 and status = 'completed'`,
    [ended.id],
  );
  expect(rows[0]?.size).toBeGreaterThan(80_000_000);
  expect(statements).toBeGreaterThan(10);
});

test('one large value repeated thousands of times is refused before it is written out', async () => {
  const value = Array.from({ length: 5_000 }, () => '{{ input }}');
  const started = performance.now();
  const ended = await bench.run(
    engine,
    { nodes: [{ id: 'n', type: 'value', params: { value } }] },
    'x'.repeat(1_000_000),
  );
  expect(ended.error).toMatchObject({ code: 'value_too_large', nodeId: 'n' });
  expect(performance.now() - started).toBeLessThan(1_500);
});

test('log lines keep their order over steps; past the bound one line says that more were dropped', async () => {
  const { id } = await bench.run(engine, {
    nodes: [
      { id: 'a', type: 'chatty' },
      { id: 'b', type: 'chatty' },
    ],
    edges: [{ from: 'a', to: 'b' }],
  });
  const logs = await bench.logs(id);
  expect(logs).toHaveLength(limits.logLines + 1);
  expect(logs.slice(0, -1).every(({ message, path }, line) => message === `line ${line}` && path === 'a')).toBe(true);
  expect(logs.at(-1)).toMatchObject({ level: 'warn', message: expect.stringContaining('dropped') });
});

test('a wait gives the lease up and goes on by itself; its step is journalled as waiting meanwhile', async () => {
  const definition = {
    nodes: [{ id: 'sleep', type: 'wait', params: { seconds: 0.5 } }, say('after', '{{ nodes.sleep }} s')],
    edges: [{ from: 'sleep', to: 'after' }],
  };
  const started = await engine.start(await bench.request(definition));
  expect((await settled(started)).status).toBe('waiting');
  const { id } = started.execution;
  expect(await bench.execution(id)).toMatchObject({ status: 'waiting', worker: null });
  expect(await bench.steps(id)).toMatchObject([{ path: 'sleep', status: 'waiting' }]);
  const ended = await engine.wait(bench.teamId, id, 5_000);
  expect(ended).toMatchObject({ status: 'completed', output: '0.5 s' });
  const waited = Number(ended?.finishedAt) - Number(ended?.startedAt);
  expect(waited).toBeGreaterThanOrEqual(500);
  expect(waited).toBeLessThan(1_500);
  expect((await bench.execution(id)).crashes).toBe(0);
});

test('a wait beside a longer step is counted from its own start, and what follows it does not wait for the step', async () => {
  const definition = {
    nodes: [{ id: 'sleep', type: 'wait', params: { seconds: 0.3 } }, { id: 'slow', type: 'held' }, say('after', 'x')],
    edges: [{ from: 'sleep', to: 'after' }],
  };
  const before = calls.length;
  const started = await engine.start(await bench.request(definition));
  const call = await eventually(() => calls[before]);
  await new Promise((resolve) => setTimeout(resolve, 700));
  call.end();
  const ended = await settled(started);
  expect(ended.status).toBe('completed');
  const after = (await bench.steps(ended.id)).find(({ path }) => path === 'after');
  const delay = Number(after?.started_at) - Number(ended.startedAt);
  expect(delay).toBeGreaterThanOrEqual(290);
  expect(delay).toBeLessThan(650);
});

test('a step that settles while a wait beside it is being committed is not overlooked', async () => {
  // The step ends on its own well within the commit, for which another transaction makes the worker wait.
  const definition: DefinitionInput = {
    nodes: [
      { id: 'quick', type: 'later', params: { ms: 100 } },
      { id: 'sleep', type: 'wait', params: { seconds: 600 } },
      say('after', 'x'),
    ],
    edges: [{ from: 'quick', to: 'after' }],
  };
  const request = await bench.request(definition);
  const blocker = await bench.database.pool.connect();
  try {
    await blocker.query('begin');
    await blocker.query('lock table steps in exclusive mode');
    const started = await engine.start(request);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await blocker.query('commit');
    const outcome = await Promise.race([
      settled(started),
      new Promise((resolve) => setTimeout(resolve, 3_000, 'still held')),
    ]);
    expect(outcome).toMatchObject({ status: 'waiting' });
    const steps = await bench.steps(started.execution.id);
    expect(steps.find(({ path }) => path === 'after')?.status).toBe('completed');
    expect(await engine.cancel(bench.teamId, started.execution.id)).toBe(true);
  } finally {
    blocker.release();
  }
});

test('wait tells the state when time is up, and nothing about another team’s execution', async () => {
  const { execution } = await engine.start(
    await bench.request({ nodes: [{ id: 'sleep', type: 'wait', params: { seconds: 600 } }] }),
  );
  const started = performance.now();
  expect(await engine.wait(bench.teamId, execution.id, 300)).toMatchObject({ status: 'waiting' });
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(await engine.wait('00000000-0000-0000-0000-000000000000', execution.id, 300)).toBeUndefined();
});

test('a respond answer reaches the caller as soon as its node has run', async () => {
  const answer = { status: 201, headers: {}, body: 'early' };
  const responder = node('responder', () => ({ output: null, respond: answer }));
  const own = bench.engine([...basics, responder]);
  const definition = {
    nodes: [
      { id: 'r', type: 'responder' },
      { id: 'slow', type: 'later', params: { ms: 400 } },
    ],
    edges: [{ from: 'r', to: 'slow' }],
  };
  const request = await bench.request(definition);
  let answeredAt = 0;
  const seen: unknown[] = [];
  const onRespond = (one: unknown) => {
    answeredAt = performance.now();
    seen.push(one);
  };
  await settled(await own.start({ ...request, onRespond }));
  expect(seen).toEqual([answer]);
  expect(performance.now() - answeredAt).toBeGreaterThan(300);
});

test('nothing of this was our own failure', () => {
  expect(bench.errors).toEqual([]);
});
