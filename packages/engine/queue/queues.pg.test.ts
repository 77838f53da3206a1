import { openDatabase } from '@flowplane/db/database';
import { expect, test } from 'vitest';
import { eventually, openBench } from '../testing/engine.ts';
import { basics, node } from '../testing/nodes.ts';
import { createTeam } from '../testing/queues.ts';
import { claimLeftExecutions, claimSuspect, claimTurnsOf, queueDueExecutions } from './claim.ts';

const one = { nodes: [{ id: 'a', type: 'value' }] };
const none = { after: '00000000-0000-0000-0000-000000000000' };

test('teams are served in turn: one of ten thousand executions does not hold up the few of the others', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const crowd = await createTeam(bench, 'crowd');
  const few = await Promise.all(['b', 'c', 'd'].map((name) => createTeam(bench, name)));
  await crowd.queue(10_000);
  for (const team of few) await idle.start(await team.request(one));
  const turn = { ...none };
  const claim = () => claimTurnsOf(bench.database, { worker: crowd.teamId, most: 4, turn, except: [] });
  const first = await claim();
  expect(first.map(({ teamId }) => teamId).sort()).toEqual([crowd, ...few].map(({ teamId }) => teamId).sort());
  expect(new Set((await claim()).map(({ teamId }) => teamId))).toEqual(new Set([crowd.teamId]));
});

test('a team whose slots are all it may have is passed by', async () => {
  await using bench = await openBench();
  const [busy, other] = [await createTeam(bench, 'busy'), await createTeam(bench, 'other')];
  await busy.queue(5);
  await other.queue(5);
  const claim = { worker: busy.teamId, most: 10, turn: { ...none }, except: [busy.teamId] };
  const leases = await claimTurnsOf(bench.database, claim);
  expect(leases.map(({ teamId }) => teamId)).toEqual(Array(5).fill(other.teamId));
});

test('a busy engine starts another team’s execution before the ten thousand that wait', async () => {
  await using bench = await openBench();
  const order: string[] = [];
  const note = node('note', ({ scope }) => {
    order.push(String(scope.input));
    return { output: null };
  });
  const engine = bench.engine([...basics, note], { slots: 20 });
  const crowd = await createTeam(bench, 'crowd');
  const quiet = await createTeam(bench, 'quiet');
  const definition = { nodes: [{ id: 'a', type: 'note' }] };
  await crowd.queue(10_000, await crowd.request(definition, 'crowd'));
  engine.work();
  await eventually(() => order.length > 20);
  const before = order.length;
  const { execution } = await engine.start(await quiet.request(definition, 'quiet'));
  expect((await engine.wait(quiet.teamId, execution.id, 10_000))?.status).toBe('completed');
  // What had a slot already, and what was claimed with it.
  expect(order.indexOf('quiet') - before).toBeLessThan(60);
});

test('within a team the highest priority comes first, then what has waited for longest; the execution’s own wins over the workflow’s', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const usual = await bench.request(one, 'usual');
  const low = await bench.request({ ...one, priority: 1 }, 'low');
  const starts = [low, usual, { ...low, input: 'raised', priority: 9 }, { ...usual, input: 'later' }];
  for (const start of starts) await idle.start(start);
  const order: unknown[] = [];
  for (let count = 0; count < 4; count += 1) {
    const claim = { worker: bench.teamId, most: 1, turn: { ...none }, except: [] };
    order.push(...(await claimTurnsOf(bench.database, claim)).map(({ input }) => input));
  }
  expect(order).toEqual(['raised', 'usual', 'later', 'low']);
});

test('a wait that is over joins the queue of its team, and does not wait behind those of another', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  const crowd = await createTeam(bench, 'crowd');
  const waits = { nodes: [{ id: 'a', type: 'wait', params: { seconds: 1_000 } }] };
  const { execution, held } = await engine.start(await bench.request(waits));
  await held;
  await crowd.queue(3_000, undefined, 'waiting');
  await bench.database.pool.query('update executions set due_at = now() where id = $1', [execution.id]);
  while (await queueDueExecutions(bench.database));
  const claim = { worker: bench.teamId, most: 2, turn: { ...none }, except: [] };
  const ids = (await claimTurnsOf(bench.database, claim)).map(({ id }) => id);
  expect(ids).toContain(execution.id);
});

test('a claim reads as many entries of the queues as it takes, whatever waits in them', async () => {
  await using bench = await openBench();
  const crowd = await createTeam(bench, 'crowd');
  await crowd.queue(20_000);
  // One connection, as each counts for itself and tells later.
  const database = openDatabase(bench.url, { max: 1, pointQueries: true });
  const read = async () => {
    await database.pool.query('select pg_stat_force_next_flush()');
    const { rows } = await database.pool.query<{ reads: number }>(
      `select idx_tup_read::int as reads from pg_stat_user_indexes where indexrelname = 'executions_queue'`,
    );
    return rows[0]?.reads ?? 0;
  };
  const before = await read();
  const leases = await claimTurnsOf(database, { worker: bench.teamId, most: 10, turn: { ...none }, except: [] });
  const reads = (await read()) - before;
  await database.close();
  expect(leases).toHaveLength(10);
  expect(reads).toBeGreaterThan(0);
  expect(reads).toBeLessThan(100);
});

test('an execution that waits for its first turn costs no look at its journal', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(one);
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await idle.start(request)).execution.id));
  // One connection, as each counts for itself and tells later.
  const database = openDatabase(bench.url, { max: 1, pointQueries: true });
  const engine = bench.engine(basics, { database });
  engine.work();
  for (const id of ids) expect((await engine.wait(bench.teamId, id, 10_000))?.status).toBe('completed');
  await database.pool.query('select pg_stat_force_next_flush()');
  const { rows } = await database.pool.query(
    `select n_tup_ins::int as written, (seq_scan + idx_scan)::int as looks from pg_stat_user_tables where relname = 'steps'`,
  );
  // One for each that is written, as it might be there.
  expect(rows).toEqual([{ written: 20, looks: 20 }]);
});

test('what was there when a worker died twice is tried one at a time, so that only what kills workers is given up', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(one);
  const poison = (await idle.start(request)).execution.id;
  const beside = await Promise.all(Array.from({ length: 4 }, async () => (await idle.start(request)).execution.id));
  const worker = bench.teamId;
  await claimTurnsOf(bench.database, { worker, most: 10, turn: { ...none }, except: [] });
  await bench.expire();
  // All of them at once, as nobody is to wait for long because of one death.
  expect(await claimLeftExecutions(bench.database, worker, 10)).toHaveLength(5);
  await bench.expire();
  expect(await claimLeftExecutions(bench.database, worker, 10)).toEqual([]);
  expect(await claimTurnsOf(bench.database, { worker, most: 10, turn: { ...none }, except: [] })).toEqual([]);
  const alone = await claimSuspect(bench.database, worker);
  expect(alone?.crashes).toBe(2);

  // The one that kills dies alone; those that were only beside it are completed.
  await bench.database.pool.query('update executions set crashes = case when id = $1 then 4 else 3 end', [poison]);
  await bench.expire();
  const engine = bench.engine(basics);
  engine.work();
  for (const id of beside) expect((await engine.wait(bench.teamId, id, 10_000))?.status).toBe('completed');
  expect(await engine.wait(bench.teamId, poison, 10_000)).toMatchObject({
    status: 'failed',
    error: { code: 'quarantined' },
  });
});

test('what comes from the queues begins one by one, so that whatever else comes in has its turn in between', async () => {
  await using bench = await openBench();
  let turns = 0;
  const began: number[] = [];
  const type = node('turn', () => {
    began.push(turns);
    return { output: null };
  });
  const types = [...basics, type];
  const idle = bench.engine(types, { slots: 0 });
  const request = await bench.request({ nodes: [{ id: 'a', type: 'turn' }] });
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await idle.start(request)).execution.id));
  let isOver = false;
  const tick = () => {
    turns += 1;
    if (!isOver) setImmediate(tick);
  };
  tick();
  const engine = bench.engine(types);
  engine.work();
  for (const id of ids) expect((await engine.wait(bench.teamId, id, 10_000))?.status).toBe('completed');
  isOver = true;
  expect(began).toHaveLength(20);
  expect(new Set(began).size).toBeGreaterThan(10);
});

test('an engine holds one suspect at a time', async () => {
  await using bench = await openBench();
  let now = 0;
  let most = 0;
  const count = node('count', async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 50));
    now -= 1;
    return { output: null };
  });
  const types = [...basics, count];
  const idle = bench.engine(types, { slots: 0 });
  const request = await bench.request({ nodes: [{ id: 'a', type: 'count' }] });
  const ids = await Promise.all(Array.from({ length: 6 }, async () => (await idle.start(request)).execution.id));
  await bench.database.pool.query(`update executions set status = 'running', crashes = 1, queue_rank = null`);
  const engine = bench.engine(types);
  engine.work();
  for (const id of ids) expect((await engine.wait(bench.teamId, id, 10_000))?.status).toBe('completed');
  expect(most).toBe(1);
});
