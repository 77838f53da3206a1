import { availableParallelism, cpus, loadavg } from 'node:os';
import { fairness } from './benchmarks/fairness.ts';
import { rest, stock, trpc } from './benchmarks/get.ts';
import { list } from './benchmarks/list.ts';
import { memory } from './benchmarks/memory.ts';
import { sdk } from './benchmarks/sdk.ts';
import { latency, webhook } from './benchmarks/webhook.ts';
import type { Row } from './row.ts';
import { createSetting, type Setting } from './setting.ts';
import { tableOf } from './table.ts';

/** What a benchmark found, and on which PostgreSQL if on any. */
type Found = { rows: Row[]; postgres?: string };
type Benchmark = (stack: AsyncDisposableStack) => Promise<Found>;

/** Runs a benchmark on a PostgreSQL and an API of its own, so that none inherits the heap and the tables of another. */
function onSetting(measure: (setting: Setting) => Promise<Row[]>): Benchmark {
  return async (stack) => {
    const part = stack.use(new AsyncDisposableStack());
    const setting = await createSetting(part);
    const rows = await measure(setting);
    await part.disposeAsync();
    return { rows, postgres: setting.cluster.version };
  };
}

const benchmarks = new Map<string, Benchmark>([
  ...Object.entries({ trpc, rest, stock, webhook, latency, fairness, memory, list }).map(
    ([name, measure]): [string, Benchmark] => [name, onSetting(measure)],
  ),
  ['sdk', async () => ({ rows: await sdk() })],
]);

/** Runs benchmarks one after the other and prints what they found; when one fails, what was found so far. */
async function run(names: string[], stack: AsyncDisposableStack): Promise<void> {
  const all: Row[] = [];
  const load = loadavg()[0]?.toFixed(1);
  let version = 'not used';
  try {
    for (const name of names) {
      process.stderr.write(`${name} … `);
      const since = performance.now();
      const { rows, postgres } = (await benchmarks.get(name)?.(stack)) ?? { rows: [] };
      all.push(...rows);
      version = postgres ?? version;
      process.stderr.write(`${Math.round((performance.now() - since) / 1_000)} s\n`);
    }
  } finally {
    const cores = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}, load ${load} before)`;
    process.stdout.write(`\n${tableOf(all)}\n\n${cores}, Node ${process.version}, PostgreSQL ${version}\n`);
  }
}

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !benchmarks.has(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no benchmark ${unknown}; there are: ${[...benchmarks.keys()].join(', ')}.\n`);
  process.exit(1);
}

const stack = new AsyncDisposableStack();
let ending: Promise<void> | undefined;

/** Stops everything that was started, once. */
function end(): Promise<void> {
  ending ??= stack.disposeAsync();
  return ending;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => void end().finally(() => process.exit(130)));
}
try {
  await run(chosen.length > 0 ? chosen : [...benchmarks.keys()], stack);
} catch (error) {
  process.exitCode = 1;
  if (!ending) process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  await end();
}
