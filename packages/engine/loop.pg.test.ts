import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import { NodeError } from './node-error.ts';
import type { NodeType } from './node-type.ts';
import { type Bench, type DefinitionInput, eventually, openBench } from './testing/engine.ts';
import { basics, node } from './testing/nodes.ts';

let bench: Bench;
const engines: Engine[] = [];
beforeAll(async () => {
  bench = await openBench();
});
// An engine that went on working would take the executions of later tests, with its own idea of their node types.
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

function engineOf(types: NodeType[]): Engine {
  const engine = bench.engine(types);
  engines.push(engine);
  return engine;
}

type NodeInput = DefinitionInput['nodes'][number];

/** A definition that is one loop. */
function loopOf(params: Record<string, unknown>, body: NodeInput[], more: object = {}): DefinitionInput {
  const edges = body.slice(1).map((node, index) => ({ from: body[index]?.id ?? '', to: node.id }));
  const given = JSON.parse(JSON.stringify({ ...params, body: { nodes: body, edges, ...more } }));
  return { nodes: [{ id: 'loop', type: 'each', params: given }] };
}

const double: NodeInput = { id: 'twice', type: 'value', params: { value: '{{ item * 2 }}' } };

test('runs its body for each item and gives the results in order; each item and each of its steps is journalled once', async () => {
  const engine = engineOf(basics);
  const { id, status, output } = await bench.run(engine, loopOf({ items: '{{ input }}' }, [double]), [1, 2, 3]);
  expect({ status, output }).toEqual({ status: 'completed', output: [2, 4, 6] });
  const steps = await bench.steps(id);
  const paths = steps.map(({ path }) => path).sort();
  const items = [0, 1, 2].flatMap((index) => [`loop[${index}]`, `loop[${index}].twice`]);
  expect(paths).toEqual(['loop', ...items].sort());
  expect(steps.every((step) => step.status === 'completed')).toBe(true);
});

test('an empty list gives an empty list', async () => {
  const engine = engineOf(basics);
  expect(await bench.run(engine, loopOf({ items: [] }, [double]))).toMatchObject({ status: 'completed', output: [] });
});

test('what follows a loop sees its results, and its body what is before the loop', async () => {
  const definition: DefinitionInput = {
    nodes: [
      { id: 'rate', type: 'value', params: { value: 10 } },
      {
        id: 'loop',
        type: 'each',
        params: {
          items: [1, 2],
          body: {
            nodes: [{ id: 'priced', type: 'value', params: { value: '{{ item * nodes.rate + index }}' } }],
            edges: [],
            output: '{{ { price: nodes.priced } }}',
          },
        },
      },
      { id: 'sum', type: 'value', params: { value: '{{ nodes.loop[0].price + nodes.loop[1].price }}' } },
    ],
    edges: [
      { from: 'rate', to: 'loop' },
      { from: 'loop', to: 'sum' },
    ],
  };
  expect(await bench.run(engineOf(basics), definition)).toMatchObject({ status: 'completed', output: 31 });
});

test('no more items are under way at once than its concurrency says', async () => {
  let now = 0;
  let most = 0;
  const busy = node('busy', async () => {
    now += 1;
    most = Math.max(most, now);
    await sleep(20);
    now -= 1;
    return { output: null };
  });
  const items = Array.from({ length: 12 }, (_, index) => index);
  const definition = loopOf({ items, concurrency: 3 }, [{ id: 'work', type: 'busy' }]);
  expect(await bench.run(engineOf([...basics, busy]), definition)).toMatchObject({ status: 'completed' });
  expect(most).toBe(3);
});

test('loops within loops: ten by ten by ten', async () => {
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  const inner = { nodes: [{ id: 'leaf', type: 'value', params: { value: '{{ item + nodes.b }}' } }], edges: [] };
  const middle = {
    nodes: [
      { id: 'b', type: 'value', params: { value: '{{ item * 10 + nodes.a }}' } },
      { id: 'deep', type: 'each', params: { items: numbers, body: inner } },
    ],
    edges: [{ from: 'b', to: 'deep' }],
    output: '{{ nodes.deep }}',
  };
  const definition = loopOf({ items: numbers }, [
    { id: 'a', type: 'value', params: { value: '{{ item * 100 }}' } },
    { id: 'mid', type: 'each', params: JSON.parse(JSON.stringify({ items: numbers, body: middle })) },
  ]);
  const { status, output } = await bench.run(engineOf(basics), definition);
  expect(status).toBe('completed');
  expect(JSON.stringify(output)).toBe(
    JSON.stringify(numbers.map((a) => numbers.map((b) => numbers.map((c) => a * 100 + b * 10 + c)))),
  );
});

test('ten thousand items run without holding anybody up', async () => {
  const engine = engineOf(basics);
  const items = Array.from({ length: 10_000 }, (_, index) => index);
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  const { id, status, output } = await bench.run(
    engine,
    loopOf({ items: '{{ input }}', concurrency: 50 }, [double]),
    items,
  );
  clearInterval(watch);
  expect(status).toBe('completed');
  expect(Array.isArray(output) && output.length).toBe(10_000);
  expect((await bench.steps(id)).length).toBe(20_001);
  expect(longest).toBeLessThan(1_000);
}, 60_000);

test('an item that fails fails the loop, names the node, and stops the others', async () => {
  const stopped: number[] = [];
  const picky = node('picky', async ({ signal, scope }) => {
    if (scope.index === 1) throw new NodeError('told_to', 'not this one');
    await sleep(5_000, undefined, { signal }).catch(() => stopped.push(scope.index ?? -1));
    return { output: null };
  });
  const definition = loopOf({ items: [0, 1, 2, 3], concurrency: 2 }, [{ id: 'work', type: 'picky' }]);
  const { id, ...ended } = await bench.run(engineOf([...basics, picky]), definition);
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'told_to', nodeId: 'work' } });
  expect(stopped).toEqual([0]);
  const shown = Object.fromEntries((await bench.steps(id)).map((step) => [step.path, step.status]));
  expect(shown).toMatchObject({
    loop: 'failed',
    'loop[1]': 'failed',
    'loop[1].work': 'failed',
    'loop[0]': 'cancelled',
  });
  expect(shown['loop[2]']).toBeUndefined();
});

test('with onItemError continue, a failed item gives its error, up to maxFailures', async () => {
  const odd = node('odd', ({ scope }) => {
    if (Number(scope.item) % 2 === 1) throw new NodeError('odd', `${scope.item} is odd`);
    return { output: scope.item ?? null };
  });
  const engine = engineOf([...basics, odd]);
  const body: NodeInput[] = [{ id: 'even', type: 'odd' }];
  const tolerant = await bench.run(engine, loopOf({ items: [0, 1, 2, 3], onItemError: 'continue' }, body));
  const errorOf = (item: number) => ({ error: { code: 'odd', message: `${item} is odd` } });
  expect(tolerant).toMatchObject({ status: 'completed', output: [0, errorOf(1), 2, errorOf(3)] });
  const strict = loopOf({ items: [0, 1, 2, 3, 5], onItemError: 'continue', maxFailures: 1 }, body);
  expect(await bench.run(engine, strict)).toMatchObject({ status: 'failed', error: { code: 'odd' } });
});

test('until ends a loop early', async () => {
  const definition = loopOf({ items: [1, 2, 3, 4, 5], concurrency: 1, until: '{{ nodes.twice >= 6 }}' }, [double]);
  expect(await bench.run(engineOf(basics), definition)).toMatchObject({ status: 'completed', output: [2, 4, 6] });
});

test('waits in the body give the lease up; what is through is not run again afterwards', async () => {
  const runs: string[] = [];
  const seen = node('seen', ({ scope }) => {
    runs.push(String(scope.item));
    return { output: scope.item ?? null };
  });
  const engine = engineOf([...basics, seen]);
  engine.work();
  const definition = loopOf({ items: ['a', 'b', 'c'], concurrency: 2 }, [
    { id: 'first', type: 'seen' },
    { id: 'pause', type: 'wait', params: { seconds: 0.1 } },
    { id: 'second', type: 'value', params: { value: '{{ nodes.first + index }}' } },
  ]);
  expect(await bench.run(engine, definition)).toMatchObject({ status: 'completed', output: ['a0', 'b1', 'c2'] });
  expect(runs.sort()).toEqual(['a', 'b', 'c']);
});

test('another worker goes on in the middle of a loop: items that are through stay, effects under way are repeated once', async () => {
  const runs: number[] = [];
  let dying = true;
  const effect = node(
    'effect',
    async ({ scope, signal }) => {
      runs.push(scope.index ?? -1);
      if (dying && scope.index === 2) await sleep(60_000, undefined, { signal });
      return { output: scope.index ?? null };
    },
    { effect: true },
  );
  const first = engineOf([...basics, effect]);
  const definition = loopOf({ items: [0, 1, 2, 3], concurrency: 1 }, [{ id: 'work', type: 'effect' }]);
  const { execution } = await first.start(await bench.request(definition));
  await eventually(() => runs.includes(2));
  dying = false;
  await bench.expire();
  const second = engineOf([...basics, effect]);
  second.work();
  const ended = await second.wait(bench.teamId, execution.id, 15_000);
  expect(ended).toMatchObject({ status: 'completed', output: [0, 1, 2, 3] });
  expect(runs).toEqual([0, 1, 2, 2, 3]);
});

test('a loop whose failure is dealt with goes on by its error port', async () => {
  const definition = loopOf({ items: [1] }, [{ id: 'bad', type: 'fail' }]);
  const [loop] = definition.nodes;
  if (!loop) throw new Error('there is a loop');
  const branching: DefinitionInput = {
    nodes: [
      { ...loop, onError: 'branch' },
      { id: 'rescue', type: 'value', params: { value: '{{ nodes.loop.error.code }}' } },
    ],
    edges: [{ from: 'loop', port: 'error', to: 'rescue' }],
  };
  expect(await bench.run(engineOf(basics), branching)).toMatchObject({ status: 'completed', output: 'told_to' });
});

test('items that are not a list, or give more than a result may hold, fail the step with a typed error', async () => {
  const engine = engineOf(basics);
  expect(await bench.run(engine, loopOf({ items: '{{ input }}' }, [double]), 'no list')).toMatchObject({
    status: 'failed',
    error: { code: 'invalid_params', nodeId: 'loop' },
  });
  const large = loopOf({ items: [1, 2, 3] }, [
    { id: 'big', type: 'value', params: { value: '{{ "x".repeat(600000) }}' } },
  ]);
  expect(await bench.run(engine, large)).toMatchObject({ status: 'failed', error: { code: 'value_too_large' } });
});
