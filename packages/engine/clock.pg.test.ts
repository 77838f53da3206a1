import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

const minute = 60_000;

/** Waits until the time that its param says, by the database's clock. */
const until = node('until', (_, params) => ({
  output: 'waited',
  wait: { until: new Date((params as { until: string }).until) },
}));

afterEach(() => {
  vi.useRealTimers();
});

/** Makes this process's clock wrong from here on. */
function shiftClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

async function databaseTime({ database }: Bench): Promise<number> {
  const { rows } = await database.pool.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  );
  return rows[0]?.ms ?? 0;
}

for (const shift of [10, -10]) {
  test(`a wait until a time ends by the database’s clock on a worker whose own is ${shift} minutes off, also beside other steps`, async () => {
    await using bench = await openBench();
    const at = (await databaseTime(bench)) + 2_000;
    const definition: DefinitionInput = {
      nodes: [
        { id: 'wait', type: 'until', params: { until: new Date(at).toISOString() } },
        { id: 'beside', type: 'later', params: { ms: 3_000 } },
        { id: 'after', type: 'time', params: {} },
      ],
      edges: [{ from: 'wait', to: 'after' }],
      output: '{{ nodes.after }}',
    };
    const time = node('time', async () => ({ output: await databaseTime(bench) }));
    shiftClock(shift * minute);
    const engine = bench.engine([...basics, until, time]);
    engine.work();
    const { output } = await bench.run(engine, definition);
    expect(output).toBeGreaterThanOrEqual(at);
    expect(output).toBeLessThan(at + 2_500);
  });
}

test('a worker whose clock is ahead does not cut short the time that a node has for all its attempts', async () => {
  await using bench = await openBench();
  let begun = 0;
  const slow = node(
    'slow',
    async ({ signal }) => {
      begun += 1;
      await sleep(begun === 1 ? 60_000 : 50, undefined, { signal });
      return { output: 'done' };
    },
    { effect: true },
  );
  const first = bench.engine([...basics, slow]);
  const request = await bench.request({ nodes: [{ id: 'a', type: 'slow', timeoutMs: 120_000 }] });
  const { execution } = await first.start(request);
  await eventually(() => begun === 1);
  shiftClock(10 * minute);
  await bench.expire();
  const second = bench.engine([...basics, slow]);
  second.nudge([execution.id]);
  const ended = await second.wait(bench.teamId, execution.id, 10_000);
  expect(ended).toMatchObject({ status: 'completed', output: 'done' });
  // Now it notices that it has lost the execution.
  first.work();
});
