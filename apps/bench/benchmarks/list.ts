import { openDatabase } from '@flowplane/db/database';
import { pruneExecutions } from '@flowplane/engine/retention';
import { applyLoad, type Load, medianOf } from '../load.ts';
import { type Row, rowOf } from '../row.ts';
import type { Setting } from '../setting.ts';

const few = 1_000;
const many = 1_000_000;
const stepsEach = 5;
/** How many of the executions get steps and are old. */
const old = 200_000;
const rounds = 3;
const load = { connections: 32, seconds: 5 };

type Pool = ReturnType<typeof openDatabase>['pool'];

async function fill(pool: Pool, { workflowId }: Setting, count: number): Promise<void> {
  await pool.query(
    `insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, output, started_at, finished_at)
      select gen_random_uuid(), team_id, id, 1, 'none', 'completed', 'api', '{}', '{}', now(), now()
      from workflows, generate_series(1, $2::int) where id = $1`,
    [workflowId, count],
  );
  await pool.query('vacuum analyze executions');
}

async function perSecond(setting: Setting): Promise<{ median: number; all: number[]; wrong: string | undefined }> {
  const url = `${setting.api.url}/api/v1/executions?limit=50`;
  const headers = { authorization: `Bearer ${setting.accessToken}` };
  const answer = await (await fetch(url, { headers })).text();
  const target: Load = { url, method: 'GET', headers, answer };
  await applyLoad(target, { ...load, seconds: 2 });
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await applyLoad(target, load));
  const all = measured.map((round) => round.perSecond);
  return { median: medianOf(all), all, wrong: measured.find((round) => round.wrong)?.wrong };
}

/** Makes some executions old and gives them steps, then deletes them. @returns steps deleted a second. */
async function pruned(url: string): Promise<{ executions: number; perSecond: number }> {
  const database = openDatabase(url, { pointQueries: true, max: 1 });
  const { pool } = database;
  try {
    await pool.query('set statement_timeout = 0');
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

/** The list of executions with very many rows against the same list with few; and how fast old executions are deleted. */
export async function list(setting: Setting): Promise<Row[]> {
  const { pool, close } = openDatabase(setting.cluster.ours, { max: 1 });
  try {
    await pool.query('set statement_timeout = 0');
    await fill(pool, setting, few);
    const before = await perSecond(setting);
    await fill(pool, setting, many - few);
    const after = await perSecond(setting);
    const ratios = after.all.map((value, index) => value / (before.all[index] ?? 1));
    const comparison = {
      ours: after.median,
      other: before.median,
      ratio: { median: medianOf(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) },
      wrong: before.wrong ?? after.wrong,
    };
    const { executions, perSecond: steps } = await pruned(setting.cluster.ours);
    const about = { comparedWith: 'with 1,000', measure: 'perSecond', target: 0.9 } as const;
    return [
      rowOf({ ...about, work: 'list of executions, 1,000,000 of them' }, comparison),
      {
        work: `retention: ${(executions * stepsEach).toLocaleString('en')} steps of ${executions.toLocaleString('en')} executions deleted`,
        ours: `${Math.round(steps).toLocaleString('en')} steps/s`,
        comparedWith: 'nothing',
        ratio: '',
        target: '',
        verdict: '',
      },
    ];
  } finally {
    await close();
  }
}
