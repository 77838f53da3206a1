import { openDatabase } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { testDatabase } from '@flowplane/db/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listExecutions } from './executions.ts';

const limit = 20;
/** Ids are made by clocks that may be a minute off: executions of a minute beside a date, here one a second. */
const nearADate = 60;
const teamId = newId();
const busy = newId();
const quiet = newId();

let stack: AsyncDisposableStack;
let database: ReturnType<typeof openDatabase>;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  database = openDatabase(stack.use(await testDatabase()).url);
  stack.defer(database.close);
  const { pool } = database;
  await pool.query(`insert into teams (id, name, slug) values ($1, 'team', 'team')`, [teamId]);
  for (const id of [busy, quiet]) {
    await pool.query(
      `insert into workflows (id, team_id, name, description, definition) values ($1, $2, 'w', '', '{}')`,
      [id, teamId],
    );
  }
  async function fill(workflowId: string, kind: { status: string; trigger: string; newer: number; older: number }) {
    const ended = ['completed', 'failed', 'cancelled'].includes(kind.status);
    // Ids of version 7 that are as old as the executions: the list is in their order.
    await pool.query(
      `insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, error, created_at, due_at, finished_at)
        select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' ||
            substr(md5(random()::text), 1, 15))::uuid, $1, $2, 1, 'none', $3::text, $4, '{}',
          case when $3::text = 'failed' then '{"code": "rare", "message": ""}'::jsonb end, at,
          case when $7::boolean then null else at + interval '1 day' end, case when $7::boolean then at end
        from generate_series($5::int, $6::int) n, lateral (select now() - n * interval '1 second' as at) times`,
      [teamId, workflowId, kind.status, kind.trigger, kind.newer, kind.older, ended],
    );
  }
  // What a list is asked for lies behind thousands of everything else.
  for (const status of ['pending', 'running', 'failed', 'cancelled']) {
    await fill(quiet, { status, trigger: `rare-${status}`, newer: 20_000, older: 20_100 });
  }
  await fill(busy, { status: 'completed', trigger: 'api', newer: 10_000, older: 16_000 });
  await fill(busy, { status: 'waiting', trigger: 'api', newer: 1, older: 6_000 });
  await pool.query('vacuum analyze executions');
}, 60_000);
afterAll(() => stack.disposeAsync());

/** How many rows are on a page, and how many PostgreSQL looked at for it. */
function pageOf(filter: Omit<Parameters<typeof listExecutions>[1], 'limit'>) {
  return database.db.transaction().execute(async (db) => {
    async function visitedSoFar(): Promise<number> {
      const { rows } = await sql<{ visited: number }>`
        select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as visited
        from pg_stat_xact_user_tables where relname = 'executions'`.execute(db);
      return rows[0]?.visited ?? Number.NaN;
    }
    const before = await visitedSoFar();
    const { items } = await listExecutions({ db, teamId }, { limit, ...filter });
    return { found: items.length, visited: (await visitedSoFar()) - before };
  });
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);

test.each([
  ['nothing', {}],
  ['the status pending', { status: 'pending' }],
  ['the status running', { status: 'running' }],
  ['the status waiting', { status: 'waiting' }],
  ['the status completed', { status: 'completed' }],
  ['the status failed', { status: 'failed' }],
  ['the status cancelled', { status: 'cancelled' }],
  ['a workflow', { workflowId: quiet }],
  ['a trigger', { trigger: 'rare-failed' }],
  ['a code of errors', { errorCode: 'rare' }],
  ['dates', { since: ago(12_000), until: ago(11_000) }],
] as const)('a page of executions narrowed by %s costs what is on it, not what is beside it', async (_, filter) => {
  const { found, visited } = await pageOf(filter);
  expect(found).toBe(limit);
  expect(visited).toBeLessThanOrEqual(2 * (limit + 1) + nearADate);
});
