import { join } from 'node:path';
import { type Api, type Caller, enter, startApi } from './api.ts';
import { type Child, startChild } from './child.ts';
import { type Cluster, startCluster } from './cluster.ts';

/** What the benchmarks run against. */
export type Setting = Caller & {
  cluster: Cluster;
  api: Api;
  /** Starts a program of `baselines/`. @returns where it listens. */
  baseline(name: string, args: string[]): Promise<{ url: string; stop(): Promise<void> }>;
};

function portOf(message: unknown): number {
  if (typeof message === 'object' && message && 'port' in message && typeof message.port === 'number') {
    return message.port;
  }
  throw new Error('The baseline did not say where it listens.');
}

/**
 * Starts PostgreSQL and the API.
 *
 * @param stack what it starts is stopped when this is disposed of, also when it does not get to the end.
 * @param nodeFlags for the API's process, e.g. `--cpu-prof`.
 */
export async function createSetting(stack: AsyncDisposableStack, nodeFlags: string[] = []): Promise<Setting> {
  const cluster = await startCluster();
  stack.defer(cluster.stop);
  const api = await startApi(cluster.ours, nodeFlags);
  stack.defer(api.child.stop);
  const caller = await enter(api);

  async function baseline(name: string, args: string[]) {
    const child: Child = startChild(join(import.meta.dirname, 'baselines', `${name}.ts`), { args });
    stack.defer(child.stop);
    return { url: `http://127.0.0.1:${portOf(await child.message)}`, stop: child.stop };
  }

  return { ...caller, cluster, api, baseline };
}
