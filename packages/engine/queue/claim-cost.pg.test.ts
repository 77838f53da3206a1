import { openDatabase } from '@flowplane/db/database';
import { expect, test } from 'vitest';
import { type Bench, openBench } from '../testing/engine.ts';
import { claimTurns } from './claim.ts';

const nowhere = '00000000-0000-0000-0000-000000000000';
const most = 10;

/** Teams with thirty executions each in their queues, and before all of them one that has only ever finished its own. */
async function crowd({ database: { pool } }: Bench, teams: number): Promise<void> {
  await pool.query(
    `with team as (
      insert into teams (id, name, slug)
      select id, id, id from (
        select '00000000-0000-4000-8000-000000000000'::uuid as id union all select gen_random_uuid() from generate_series(1, $1)) new
      returning id
    ), workflow as (
      insert into workflows (id, team_id, name, description, definition) select gen_random_uuid(), id, 'w', '', '{}' from team
      returning id, team_id
    )
    insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, due_at, queue_rank, finished_at)
    select gen_random_uuid(), team_id, id, 1, 'none', case when is_old then 'completed' else 'pending' end, 'api',
      case when not is_old then now() - make_interval(secs => random() * 3600) end, case when not is_old then 5 end,
      case when is_old then now() end
    from workflow cross join lateral (select team_id < '00000000-0000-4000-8000-000000000001' as is_old) old
    cross join lateral generate_series(1, case when is_old then 3000 else 30 end)`,
    [teams],
  );
  await pool.query('vacuum analyze executions');
}

type Plan = {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
};

function removedBy(plan: Plan): number {
  const inside = (plan.Plans ?? []).reduce((sum, part) => sum + removedBy(part), 0);
  return inside + (plan['Rows Removed by Filter'] ?? 0);
}

/** What a claim touches. */
async function costOf({ url, teamId }: Bench): Promise<{ blocks: number; passedBy: number; taken: number }> {
  const { pool, close } = openDatabase(url, { max: 1, pointQueries: true });
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, buffers, format json) ${claimTurns}`,
    [teamId, most, nowhere, []],
  );
  const { rows: taken } = await pool.query(`select from executions where status = 'running'`);
  await close();
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (!plan) throw new Error('PostgreSQL did not explain');
  return {
    blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    passedBy: removedBy(plan),
    taken: taken.length,
  };
}

test('a claim touches as much with a thousand teams waiting as with twenty, and nothing of what is finished', async () => {
  const costs: Awaited<ReturnType<typeof costOf>>[] = [];
  for (const teams of [20, 1_000]) {
    await using bench = await openBench();
    await crowd(bench, teams);
    costs.push(await costOf(bench));
  }
  const [few, many] = costs;
  expect(few).toMatchObject({ taken: most, passedBy: 0 });
  expect(many).toMatchObject({ taken: most, passedBy: 0 });
  // The indexes are one level deeper.
  expect(many?.blocks).toBeLessThan(1.6 * (few?.blocks ?? 0));
}, 60_000);
