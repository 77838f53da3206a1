import type { Json } from '@flowplane/contract/json';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { effectsTable, faultNodes } from './testing/fault-nodes.ts';

type NodeInput = DefinitionInput['nodes'][number];

const kinds = ['value', 'effect', 'wait', 'flaky', 'fail', 'each', 'pick'] as const;

type Drawn = { kind: (typeof kinds)[number]; onError: 'continue' | 'branch'; any: boolean; from: number[] };

const drawn: fc.Arbitrary<Drawn> = fc.record({
  kind: fc.constantFrom(...kinds),
  onError: fc.constantFrom('continue', 'branch'),
  any: fc.boolean(),
  from: fc.uniqueArray(fc.nat(6), { maxLength: 3 }),
});

const body: Json = {
  nodes: [
    { id: 'act', type: 'effect', params: {} },
    { id: 'odd', type: 'pick', params: { port: '{{ item % 2 ? "a" : "out" }}' } },
    { id: 'bad', type: 'fail', params: {} },
  ],
  edges: [
    { from: 'act', port: 'out', to: 'odd' },
    { from: 'odd', port: 'a', to: 'bad' },
  ],
};

const params: Record<Drawn['kind'], NodeInput['params']> = {
  value: { value: 1 },
  effect: {},
  wait: { seconds: 0.02 },
  flaky: {},
  fail: {},
  each: { items: [1, 2, 3], concurrency: 2, onItemError: 'continue', body },
  pick: { port: 'a' },
};

/** A graph whose outcome does not depend on which of several branches is faster. */
function graphOf(nodes: Drawn[]): DefinitionInput {
  return {
    nodes: nodes.map(({ kind, onError, any }, index) => ({
      id: `n${index}`,
      type: kind,
      params: params[kind] ?? {},
      ...(any && { join: 'any' as const }),
      ...(kind === 'fail' && { onError }),
      ...(kind === 'flaky' && { retry: { intervalMs: 5, jitter: 'none' as const } }),
    })),
    edges: nodes.flatMap(({ from }, index) =>
      from
        .filter((other) => other < index)
        .map((other) => {
          const { kind, onError } = nodes[other] ?? {};
          const port =
            kind === 'fail' && onError === 'branch' ? 'error' : kind === 'pick' ? (index % 2 ? 'a' : 'b') : undefined;
          return { from: `n${other}`, to: `n${index}`, ...(port && { port }) };
        }),
    ),
    output: '{{ Object.keys(nodes).sort() }}',
  };
}

/** What became of an execution, without what differs from run to run. */
async function outcome(bench: Bench, id: string) {
  const { status, output, error } = await bench.execution(id);
  const steps = await bench.steps(id);
  return {
    status,
    output,
    code: error?.code,
    steps: steps
      .map(({ path, status: how, port, output: given }) => ({ path, status: how, port, output: given }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

test('whatever the graph and wherever its worker is lost, the outcome is that of an undisturbed run, also when the worker comes back', async () => {
  await using bench = await openBench();
  await bench.database.pool.query(effectsTable);
  const types = faultNodes(bench.database);
  const undisturbed = bench.engine(types);
  undisturbed.work();
  // Shows under which name the undisturbed one works.
  const pause = await bench.request({ nodes: [{ id: 'pause', type: 'later', params: { ms: 300_000 } }] });
  const { id: holder } = (await undisturbed.start(pause)).execution;
  await fc.assert(
    fc.asyncProperty(
      fc.array(drawn, { minLength: 2, maxLength: 7 }),
      fc.integer({ min: 1, max: 25 }),
      async (nodes, at) => {
        const request = await bench.request(graphOf(nodes));
        const { execution: whole } = await undisturbed.start(request);
        expect((await undisturbed.wait(bench.teamId, whole.id, 15_000))?.finishedAt).not.toBeNull();

        const { promise: back, resolve: comeBack } = Promise.withResolvers<void>();
        let count = 0;
        const lost = bench.engine(types, {
          async atFaultPoint() {
            count += 1;
            if (count >= at) await back;
          },
        });
        const { execution } = await lost.start(request);
        const { id } = execution;
        const { pool } = bench.database;
        await eventually(async () => count >= at || (await bench.execution(id)).status !== 'running');
        // The lost worker may take it again when a wait is over, and stand still again: whoever is not the other one is lost.
        await eventually(async () => {
          await pool.query(
            `update executions set due_at = now() where id = $1 and status = 'running' and worker not in
              (select worker from executions where id = $2 and worker is not null)`,
            [id, holder],
          );
          undisturbed.nudge([id]);
          return (await undisturbed.wait(bench.teamId, id, 100))?.finishedAt;
        }, 30_000);
        const after = await outcome(bench, id);
        expect(after).toEqual(await outcome(bench, whole.id));
        comeBack();
        await lost.close();
        expect(await outcome(bench, id)).toEqual(after);
      },
    ),
    { numRuns: 15, endOnFailure: true },
  );
  await undisturbed.cancel(bench.teamId, holder);
}, 120_000);
