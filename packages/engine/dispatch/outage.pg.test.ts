import { expect, test } from 'vitest';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { losingDispatch, openBench } from '../testing/engine.ts';
import { basics } from '../testing/nodes.ts';

const away: Dispatch = {
  ...losingDispatch,
  async send() {
    throw new Error('the queue is away');
  },
};

test('while the queue is away, a process that only stores executions says so once, not once for each start', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics, { slots: 0, dispatch: away });
  const request = await bench.request({ nodes: [{ id: 'a', type: 'value' }] });
  const started = await Promise.all(Array.from({ length: 20 }, () => engine.start(request)));
  expect(started.map(({ execution }) => execution.status)).toEqual(Array(20).fill('pending'));
  engine.nudge(started.map(({ execution }) => execution.id));
  await engine.close();
  expect(bench.errors).toEqual([new Error('the queue is away')]);
});
