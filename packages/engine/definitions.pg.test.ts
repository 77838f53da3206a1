import type { Definition } from '@flowplane/contract/definition';
import { expect, test } from 'vitest';
import { keepDefinition, pruneDefinitions } from './definitions.ts';
import { type Bench, openBench } from './testing/engine.ts';
import { basics } from './testing/nodes.ts';
import { publish } from './testing/publish.ts';

function definition(value: number): Definition {
  return { nodes: [{ id: 'a', type: 'value', params: { value } }], edges: [], triggers: [] };
}

/** As if nobody had asked for any definition for some hours. */
async function age({ database }: Bench): Promise<void> {
  await database.pool.query(`update definitions set kept_at = now() - interval '2 hours'`);
}

async function hashes({ database }: Bench): Promise<string[]> {
  const { rows } = await database.pool.query<{ hash: string }>('select hash from definitions order by hash');
  return rows.map(({ hash }) => hash);
}

function startOf({ teamId, workflowId }: Bench, definitionHash: string) {
  return { teamId, workflowId, version: null, definitionHash, trigger: 'test', input: null };
}

test('what no version and no execution names is deleted an hour after it was last asked for, and nothing else', async () => {
  await using bench = await openBench();
  const { database, teamId } = bench;
  const idle = bench.engine(basics, { slots: 0 });
  await publish(bench, { nodes: [{ id: 'a', type: 'value' }] });
  const [published = ''] = await hashes(bench);
  const run = await keepDefinition(database.db, teamId, definition(1));
  await idle.start(startOf(bench, run));
  const again = await keepDefinition(database.db, teamId, definition(2));
  await keepDefinition(database.db, teamId, definition(3));
  await age(bench);
  expect(await keepDefinition(database.db, teamId, definition(2))).toBe(again);
  expect(await pruneDefinitions(database, { most: 100 })).toEqual({ deleted: 1, after: undefined });
  expect(await hashes(bench)).toEqual([published, run, again].toSorted());
  await database.pool.query('delete from executions');
  expect(await pruneDefinitions(database, { most: 100 })).toEqual({ deleted: 1, after: undefined });
  expect(await hashes(bench)).toEqual([published, again].toSorted());
});

test('looking in batches comes by every definition once', async () => {
  await using bench = await openBench();
  for (let value = 0; value < 10; value += 1) await keepDefinition(bench.database.db, bench.teamId, definition(value));
  await age(bench);
  let deleted = 0;
  let looks = 0;
  let after: Awaited<ReturnType<typeof pruneDefinitions>>['after'];
  do {
    const found = await pruneDefinitions(bench.database, { after, most: 4 });
    ({ after } = found);
    deleted += found.deleted;
    looks += 1;
  } while (after);
  expect({ deleted, looks }).toEqual({ deleted: 10, looks: 3 });
});

test('one that somebody is about to use is passed by, and one that is about to be deleted is kept anew', async () => {
  await using bench = await openBench();
  const { database, teamId } = bench;
  const hash = await keepDefinition(database.db, teamId, definition(1));
  await age(bench);
  await database.db.transaction().execute(async (tx) => {
    await keepDefinition(tx, teamId, definition(1));
    expect(await pruneDefinitions(database, { most: 100 })).toMatchObject({ deleted: 0 });
  });
  expect(await pruneDefinitions(database, { most: 100 })).toMatchObject({ deleted: 0 });

  await age(bench);
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query('delete from definitions');
  const keeping = keepDefinition(database.db, teamId, definition(1));
  await client.query('commit');
  client.release();
  expect(await keeping).toBe(hash);
  expect(await hashes(bench)).toEqual([hash]);
});

test('whatever is deleted while executions start, each has its definition', async () => {
  await using bench = await openBench();
  const { database, teamId } = bench;
  const engine = bench.engine(basics);
  let deleted = 0;
  for (let round = 0; round < 60; round += 1) {
    const hash = await keepDefinition(database.db, teamId, definition(round % 3));
    await database.pool.query('delete from executions');
    await age(bench);
    const start = async () => {
      const kept = await keepDefinition(database.db, teamId, definition(round % 3));
      return engine.start(startOf(bench, kept));
    };
    const prune = async () => (await pruneDefinitions(database, { most: 100 })).deleted;
    const [first, started, second] = await Promise.all([prune(), start(), prune()]);
    deleted += first + second;
    expect(await hashes(bench)).toContain(hash);
    await started.held;
  }
  expect(deleted).toBeGreaterThan(0);
  expect(bench.errors).toEqual([]);
});

test('a restart of a draft’s execution keeps its definition, also when the old execution goes meanwhile', async () => {
  await using bench = await openBench();
  const { database, teamId, workflowId } = bench;
  const engine = bench.engine(basics);
  engine.work();
  const hash = await keepDefinition(database.db, teamId, definition(1));
  const { execution, held } = await engine.start(startOf(bench, hash));
  await held;
  await age(bench);
  const restart = { sourceId: execution.id, teamId, workflowId, version: null, definitionHash: hash };
  const made = await database.db.transaction().execute(async (tx) => {
    const ids = await engine.restart(tx, [{ ...restart, from: 'start' }]);
    await database.pool.query('delete from executions where id = $1', [execution.id]);
    expect(await pruneDefinitions(database, { most: 100 })).toMatchObject({ deleted: 0 });
    return ids;
  });
  engine.restarted(made);
  for (const id of made) expect((await engine.wait(teamId, id, 10_000))?.status).toBe('completed');
  expect(made).toHaveLength(1);
});
