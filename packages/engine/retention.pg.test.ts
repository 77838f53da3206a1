import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { pruneExecutions } from './retention.ts';
import { type Bench, openBench } from './testing/engine.ts';
import { publish } from './testing/publish.ts';

const value = { nodes: [{ id: 'a', type: 'value' }] };

/** An execution that ended some days ago, with a step, a log line and a wait. @returns its id. */
async function endedAgo(bench: Bench, days: number | undefined, more: { workflowId?: string; parentId?: string } = {}) {
  const id = randomUUID();
  const { pool } = bench.database;
  const workflowId = more.workflowId ?? bench.workflowId;
  await pool.query(
    `insert into executions (id, team_id, workflow_id, definition_hash, status, trigger, parent_id, due_at, finished_at)
      values ($1, $2, $3, 'h', $4, 'api', $5, case when $6::int is null then now() end, now() - make_interval(days => $6::int))`,
    [id, bench.teamId, workflowId, days === undefined ? 'waiting' : 'completed', more.parentId, days],
  );
  await pool.query(
    `insert into steps (execution_id, path, position, node_id, type, status, attempt) values ($1, 'a', 0, 'a', 'value', 'completed', 1)`,
    [id],
  );
  await pool.query(
    `insert into logs (execution_id, position, path, level, message, at) values ($1, 0, 'a', 'info', 'x', now())`,
    [id],
  );
  await pool.query(`insert into waits (execution_id, path, team_id, kind) values ($1, 'a', $2, 'approval')`, [
    id,
    bench.teamId,
  ]);
  return id;
}

async function left({ database }: Bench): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>('select id from executions');
  return rows.map(({ id }) => id).sort();
}

test('what ended longer ago than it is kept goes with its steps, lines and waits; everything else stays', async () => {
  await using bench = await openBench();
  await endedAgo(bench, 31);
  await endedAgo(bench, 400);
  const young = await endedAgo(bench, 29);
  const open = await endedAgo(bench, undefined);
  // Its result may not have been read yet.
  const awaited = await endedAgo(bench, 40, { parentId: open });
  expect(await pruneExecutions(bench.database, { days: 30, most: 100 })).toBe(2);
  expect(await left(bench)).toEqual([young, open, awaited].sort());
  for (const table of ['steps', 'logs', 'waits']) {
    const { rows } = await bench.database.pool.query<{ id: string }>(`select execution_id as id from ${table}`);
    expect(rows.map(({ id }) => id).sort()).toEqual([young, open, awaited].sort());
  }
});

test('a workflow’s own retention goes before that of the instance, also where that keeps everything', async () => {
  await using bench = await openBench();
  const short = await publish(bench, { ...value, retention: { days: 2 } });
  const forever = await publish(bench, { ...value, retention: { days: 0 } });
  const usual = await publish(bench, value);
  const kept = [
    await endedAgo(bench, 1, { workflowId: short }),
    await endedAgo(bench, 900, { workflowId: forever }),
    await endedAgo(bench, 900, { workflowId: usual }),
  ];
  const gone = await endedAgo(bench, 3, { workflowId: short });
  expect(await pruneExecutions(bench.database, { days: 0, most: 100 })).toBe(1);
  expect(await left(bench)).toEqual(kept.toSorted());
  expect(kept).not.toContain(gone);
  expect(await pruneExecutions(bench.database, { days: 30, most: 100 })).toBe(1);
  expect(await left(bench)).toEqual(kept.slice(0, 2).sort());
});

test('no more go at once than asked for; what somebody holds is passed over, and several can delete at once', async () => {
  await using bench = await openBench();
  const ids = await Promise.all(Array.from({ length: 20 }, (_, index) => endedAgo(bench, 50 + index)));
  const oldest = ids.at(-1);
  const holder = await bench.database.pool.connect();
  await holder.query('begin');
  await holder.query('select from executions where id = $1 for update', [oldest]);
  const removed = await Promise.all([1, 2].map(() => pruneExecutions(bench.database, { days: 30, most: 8 })));
  expect(removed.every((count) => count <= 8)).toBe(true);
  let rest = 20 - removed.reduce((sum, count) => sum + count, 0);
  while (rest > 1) rest -= await pruneExecutions(bench.database, { days: 30, most: 8 });
  await holder.query('rollback');
  holder.release();
  expect(await left(bench)).toEqual([oldest]);
});
