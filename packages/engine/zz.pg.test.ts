import { test } from 'vitest';
import { openBench } from './testing-engine.ts';
import { basics } from './testing-nodes.ts';

test('big', async () => {
  await using bench = await openBench();
  const engine = bench.engine(basics);
  engine.work();
  for (const n of [100, 300]) {
    const nodes = Array.from({ length: n }, (_, i) => ({
      id: `n${i}`,
      type: 'value',
      params: { value: '{{ input }}' },
    }));
    const edges = nodes.slice(1).map(({ id }, i) => ({ from: `n${i}`, to: id }));
    const { execution } = await engine.start(await bench.request({ nodes, edges }, 'x'.repeat(1_000_000)));
    const at = performance.now();
    const ended = await engine.wait(bench.teamId, execution.id, 60_000);
    console.log(
      n,
      ended?.status,
      ended?.error,
      performance.now() - at,
      process.memoryUsage.rss() / 1e6,
      bench.errors.map(String),
      (await bench.execution(execution.id)).crashes,
    );
  }
  const nodes = [{ id: 'a', type: 'value', params: { value: Array.from({ length: 5000 }, () => '{{ input }}') } }];
  const at = performance.now();
  const ended = await bench.run(engine, { nodes }, 'x'.repeat(1_000_000));
  console.log(
    ended?.status,
    ended?.error,
    performance.now() - at,
    process.memoryUsage.rss() / 1e6,
    bench.errors.map(String),
  );
}, 120000);
