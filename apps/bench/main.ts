import { availableParallelism, cpus, loadavg } from 'node:os';
import { rest, stock, trpc } from './benchmarks/get.ts';
import { latency, webhook } from './benchmarks/webhook.ts';
import type { Row } from './row.ts';
import { createSetting, type Setting } from './setting.ts';
import { tableOf } from './table.ts';

const benchmarks = new Map<string, (setting: Setting) => Promise<Row[]>>(
  Object.entries({ trpc, rest, stock, webhook, latency }),
);

/** Runs benchmarks one after the other and prints what they found; when one fails, what was found so far. */
async function run(names: string[], stack: AsyncDisposableStack): Promise<void> {
  const rows: Row[] = [];
  const load = loadavg()[0]?.toFixed(1);
  const setting = await createSetting(stack);
  try {
    for (const name of names) {
      process.stderr.write(`${name} … `);
      const since = performance.now();
      rows.push(...((await benchmarks.get(name)?.(setting)) ?? []));
      process.stderr.write(`${Math.round((performance.now() - since) / 1_000)} s\n`);
    }
  } finally {
    const cores = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}, load ${load} before)`;
    const versions = `Node ${process.version}, PostgreSQL ${setting.cluster.version}`;
    process.stdout.write(`\n${tableOf(rows)}\n\n${cores}, ${versions}\n`);
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
