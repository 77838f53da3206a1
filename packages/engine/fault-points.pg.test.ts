import { expect, test } from 'vitest';
import { type FaultPoint, faultPoints } from './fault-points.ts';
import { deliverEvent } from './signal.ts';
import { type Bench, eventually, openBench } from './testing/engine.ts';
import { called, effectsTable, everyKind, everyKindEnds } from './testing/fault-nodes.ts';
import { publish } from './testing/publish.ts';
import { kill, startWorker } from './testing/worker-process.ts';

/** More than one execution comes by; those of the last families go past all of theirs. */
const families = 90;

/** Gives every step that waits for its payment what it waits for. */
async function pay({ database, teamId }: Bench): Promise<void> {
  const { rows } = await database.pool.query<{ match: { family: number } }>(
    `select match from waits where kind = 'event' and resolved_at is null`,
  );
  for (const { match } of rows) await deliverEvent(database.db, { teamId, event: 'paid', data: match });
}

/** Kills a worker once each family stands at its point or is through. @returns the points that were passed. */
async function killAtPoints(bench: Bench, round: number): Promise<{ points: Set<FaultPoint>; stopped: Set<number> }> {
  const points = new Set<FaultPoint>();
  const stopped = new Set<number>();
  const child = await startWorker(bench.url, round);
  child.on('message', (message: { point: FaultPoint; stopped?: number }) => {
    points.add(message.point);
    if (message.stopped !== undefined) stopped.add(message.stopped);
  });
  await eventually(async () => {
    await pay(bench);
    const { rows } = await bench.database.pool.query<{ family: number }>(
      `select (input ->> 'family')::int as family from executions where parent_id is null and finished_at is not null`,
    );
    for (const { family } of rows) stopped.delete(family);
    return rows.length + stopped.size === families;
  }, 60_000);
  await kill(child);
  // As if the leases had run out; that the same executions die twice would otherwise make them suspect.
  await bench.database.pool.query(`update executions set due_at = now(), crashes = 0 where status = 'running'`);
  return { points, stopped };
}

test('a worker killed at any point, and the next one too, loses nothing, doubles nothing and repeats only what was under way', async () => {
  await using bench = await openBench();
  const { pool } = bench.database;
  await pool.query(effectsTable);
  const child = await publish(bench, called);
  const request = await bench.request(everyKind(child));
  const idle = bench.engine([], { slots: 0 });
  const ids: string[] = [];
  for (let family = 1; family <= families; family += 1) {
    const input = { family, stops: [family, 1 + ((family * 7) % 20)] };
    ids.push((await idle.start({ ...request, input })).execution.id);
  }
  const first = await killAtPoints(bench, 0);
  // Each stood at its own point, up to the last there is.
  expect([...first.points].sort()).toEqual(Object.keys(faultPoints).sort());
  expect(first.stopped.size).toBeGreaterThan(50);
  expect(first.stopped.size).toBeLessThan(families);
  const second = await killAtPoints(bench, 1);
  expect(second.stopped.size).toBeGreaterThan(0);
  const last = await startWorker(bench.url);
  await eventually(async () => {
    await pay(bench);
    const { rows } = await pool.query('select from executions where finished_at is null');
    return rows.length === 0;
  }, 60_000);
  await kill(last);

  const { rows: happened } = await pool.query<{ key: string; times: number }>(
    'select key, count(*)::int as times from effects group by key',
  );
  const effects = new Map(happened.map(({ key, times }) => [key, times]));
  const expected = new Set<string>();
  for (const [index, id] of ids.entries()) {
    const output = everyKindEnds.output(index + 1);
    expect(await bench.execution(id)).toMatchObject({ status: 'completed', error: null, output });
    const steps = await bench.steps(id);
    expect(steps.map(({ path }) => path).sort()).toEqual(everyKindEnds.paths.toSorted());
    expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(['completed']));
    const { rows: children } = await pool.query('select id, status from executions where parent_id = $1', [id]);
    expect(children).toMatchObject([{ status: 'completed' }]);
    const shipped = `${children[0].id}:ship`;
    expected.add(shipped);
    expect(effects.get(shipped)).toBeLessThanOrEqual(3);
    for (const { path, attempt } of steps.filter((step) => everyKindEnds.effects.includes(step.path))) {
      expected.add(`${id}:${path}`);
      expect(effects.get(`${id}:${path}`)).toBeLessThanOrEqual(attempt);
    }
  }
  expect(new Set(effects.keys())).toEqual(expected);
}, 200_000);
