import { openDatabase } from '@flowplane/db/database';
import { pruneExecutions } from '@flowplane/engine/retention';
import { enter, startApi } from '../api.ts';
import { compare } from '../compare.ts';
import type { Load } from '../load.ts';
import { type Row, rowOf } from '../row.ts';
import type { Setting } from '../setting.ts';

const few = 1_000;
const many = 1_000_000;
const stepsEach = 5;
/** How many of the executions get steps and are old. */
const old = 100_000;

type Pool = ReturnType<typeof openDatabase>['pool'];

/** Executions of a workflow, one a second until now. */
async function fill(pool: Pool, workflowId: string, count: number): Promise<void> {
  // What the rows refer to is there: it need not be looked up a million times.
  await pool.query('set session_replication_role = replica');
  await pool.query(
    `insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, output, created_at, started_at, finished_at)
      select uuidv7(n * interval '-1 second'), team_id, id, 1, 'none', 'completed', 'api', '{}', '{}', at, at, at
      from workflows, generate_series($2::int, 1, -1) n, lateral (select now() - n * interval '1 second' as at) times where id = $1`,
    [workflowId, count],
  );
  await pool.query('reset session_replication_role');
  await pool.query('vacuum analyze executions');
}

/** @throws Error when the list is not answered. */
async function listOf(url: string, accessToken: string): Promise<Load> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const target = `${url}/api/v1/executions?limit=50`;
  const response = await fetch(target, { headers });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(`GET ${target} answered ${response.status}: ${answer}`);
  return { url: target, method: 'GET', headers, answer };
}

/** Makes some executions old and gives them steps, then deletes them. @returns steps deleted a second. */
async function pruned(url: string): Promise<{ executions: number; perSecond: number }> {
  const database = openDatabase(url, { pointQueries: true, max: 1 });
  const { pool } = database;
  try {
    await pool.query('set statement_timeout = 0');
    await pool.query('set session_replication_role = replica');
    await pool.query(
      `update executions set finished_at = now() - interval '31 days' where id in (select id from executions limit $1)`,
      [old],
    );
    await pool.query(
      `insert into steps (execution_id, path, position, node_id, type, status, attempt, input, output)
        select id, 'step' || n, n, 'step', 'transform', 'completed', 1, '{}', '{}'
        from executions, generate_series(1, $1::int) n where finished_at < now() - interval '30 days'`,
      [stepsEach],
    );
    await pool.query('reset session_replication_role');
    await pool.query('vacuum analyze steps');
    await pool.query('vacuum analyze executions');
    const since = performance.now();
    let executions = 0;
    for (let gone = 1; gone > 0; executions += gone) gone = await pruneExecutions(database, { days: 30, most: 500 });
    return { executions, perSecond: (executions * stepsEach) / ((performance.now() - since) / 1_000) };
  } finally {
    await database.close();
  }
}

/** Fills a database of its own. */
async function filled(url: string, workflowId: string, count: number): Promise<void> {
  const { pool, close } = openDatabase(url, { max: 1 });
  try {
    await pool.query('set statement_timeout = 0');
    await fill(pool, workflowId, count);
  } finally {
    await close();
  }
}

/**
 * The list of executions with very many rows against the same list of a second API whose database has few; and how fast old
 * executions are deleted.
 */
export async function list(setting: Setting): Promise<Row[]> {
  const { api, cluster } = setting;
  await using small = new AsyncDisposableStack();
  const other = await startApi(cluster.bare);
  small.defer(other.child.stop);
  const caller = await enter(other);
  await filled(cluster.bare, caller.workflowId, few);
  await filled(cluster.ours, setting.workflowId, many);
  const comparison = await compare(
    await listOf(api.url, setting.accessToken),
    await listOf(other.url, caller.accessToken),
    { measure: 'perSecond', connections: 32 },
  );
  await small.disposeAsync();
  const { executions, perSecond } = await pruned(cluster.ours);
  const about = { comparedWith: 'with 1,000', measure: 'perSecond', target: 0.9 } as const;
  return [
    rowOf({ ...about, work: 'list of executions, 1,000,000 of them' }, comparison),
    {
      work: `retention: ${(executions * stepsEach).toLocaleString('en')} steps of ${executions.toLocaleString('en')} executions deleted`,
      ours: `${Math.round(perSecond).toLocaleString('en')} steps/s`,
      comparedWith: 'nothing',
      ratio: '',
      target: '',
      verdict: '',
    },
  ];
}
