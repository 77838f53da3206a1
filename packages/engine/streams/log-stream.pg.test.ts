import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowLogEvent } from '@flowplane/contract/workflow';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../engine.ts';
import { type Bench, openBench, settled } from '../testing/engine.ts';
import { basics, node } from '../testing/nodes.ts';
import { take, there } from '../testing/streams.ts';
import type { Named } from './follow.ts';

let bench: Bench;
let engine: Engine;
let other: Engine;

const says = node('says', async ({ log, scope }) => {
  for (const line of [1, 2, 3, 4, 5]) log('info', `${String(scope.run.id)} ${line}`);
  return { output: null };
});
const types = [...basics, says];
const talk = {
  nodes: ['a', 'b', 'c'].map((id) => ({ id, type: id === 'b' ? 'later' : 'says', params: { ms: 20 } })),
  edges: [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
  ],
};

beforeAll(async () => {
  bench = await openBench();
  [engine, other] = [bench.engine(types), bench.engine(types)];
  engine.work();
});
afterAll(() => bench[Symbol.asyncDispose]());

function texts(events: Named<WorkflowLogEvent>[]): string[] {
  return events.map(({ event }) => event.data.message);
}

/** Runs so many executions at once, in both engines. */
async function run(count: number): Promise<string[]> {
  const request = await bench.request(talk);
  const started = await Promise.all(Array.from({ length: count }, (_, n) => (n % 2 ? engine : other).start(request)));
  await Promise.all(started.map(settled));
  return started.map(({ execution }) => execution.id);
}

test('lines of executions that run at once are told once each, also one that a slow transaction commits late', async () => {
  const stream = there(await engine.logs(bench.teamId, bench.workflowId, { tail: 0 }));
  const [before] = await run(1);
  const slow = await bench.database.pool.connect();
  let late: Promise<string[]> | undefined;
  try {
    await slow.query('begin');
    await slow.query(
      `insert into logs (execution_id, position, path, level, message, at, workflow_id)
       values ($1, 900, 'a', 'info', 'late', now(), $2)`,
      [before, bench.workflowId],
    );
    late = run(20);
    await late;
    await sleep(300);
    await slow.query('commit');
  } finally {
    slow.release();
  }
  const ids = [before, ...((await late) ?? [])];
  const expected = ids.flatMap((id) => [1, 2, 3, 4, 5, 1, 2, 3, 4, 5].map((line) => `${id} ${line}`));
  const events = await take(stream, expected.length + 1);
  expect(texts(events).toSorted()).toEqual([...expected, 'late'].toSorted());
  for (const id of ids) {
    const own = events.filter(({ event }) => event.data.executionId === id && event.data.message !== 'late');
    expect(texts(own)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5].map((line) => `${id} ${line}`));
  }
  await run(1);
  expect(texts(await take(stream, 10)).filter((text) => texts(events).includes(text))).toEqual([]);
  await stream.return();
});

test('a stream begins with as many of the latest lines as were asked for, and resumes exactly after each', async () => {
  await run(3);
  const tail = await take(await other.logs(bench.teamId, bench.workflowId, { tail: 30 }), 30);
  expect(new Set(tail.map(({ id }) => id)).size).toBe(30);
  for (const count of [1, 7, 29]) {
    const some = await take(await other.logs(bench.teamId, bench.workflowId, { tail: count }), count);
    expect(some).toEqual(tail.slice(-count));
  }
  for (const [index, { id }] of tail.entries()) {
    if (index === 29) continue;
    const rest = await take(await other.logs(bench.teamId, bench.workflowId, { tail: 0, after: id }), 29 - index);
    expect(rest).toEqual(tail.slice(index + 1));
  }
});

test('more lines than there are is all of them', async () => {
  const { rows } = await bench.database.pool.query('select count(*)::int as count from logs');
  const { count } = rows[0];
  const leaving = new AbortController();
  const stream = there(await engine.logs(bench.teamId, bench.workflowId, { tail: 1_000, signal: leaving.signal }));
  expect(new Set((await take(stream, count)).map(({ id }) => id)).size).toBe(count);
});

test('another team has no lines of it, and a deleted workflow is not found', async () => {
  expect(await engine.logs(newId(), bench.workflowId, { tail: 10 })).toBeUndefined();
  const stream = there(await engine.logs(bench.teamId, bench.workflowId, { tail: 0 }));
  const ending = stream.next();
  const after = { tail: 0, after: `1:${newId()}:0` };
  await bench.database.pool.query('delete from workflows where id = $1', [bench.workflowId]);
  await expect(ending).rejects.toMatchObject({ code: 'not_found' });
  expect(await engine.logs(bench.teamId, bench.workflowId, after)).toBeUndefined();
});

test('nothing of this was our own failure', () => {
  expect(bench.errors).toEqual([]);
});
