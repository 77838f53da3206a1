import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { definition as definitionSchema } from '@flowplane/contract/definition';
import { type Database, openDatabase } from '@flowplane/db/database';
import { startEmbedded } from '@flowplane/db/embedded';
import { newId } from '@flowplane/db/id';
import { migrate } from '@flowplane/db/migrate';
import type { StartRequest } from '../engine.ts';
import type { DefinitionInput } from './engine.ts';
import { effectsTable } from './fault-nodes.ts';
import { proxyDatabase } from './proxy.ts';
import { freePort } from './redis.ts';

const script = new URL('./soak-worker.ts', import.meta.url);
const clock = new URL('./shifted-clock.ts', import.meta.url);
const shifts = [0, 600_000, -600_000];

/** What a soak disturbs: workers, and the PostgreSQL and the Redis that are theirs alone. */
export type SoakSetting = AsyncDisposable & {
  database: Database;
  teamId: string;
  redis: string;
  /** Keeps a definition, as the published version of a workflow of its own. @returns what `start` needs. */
  publish(definition: DefinitionInput): Promise<StartRequest>;
  /** How many workers there are. */
  workers: number;
  /** Ends a worker as a crash would, and starts another, which works then; the clocks of two of the three are ten minutes off. */
  replace(index: number): Promise<void>;
  /** Workers that ended by themselves. */
  ended: string[];
  /** Lets a worker stand still for some time. */
  freeze(index: number, ms: number): Promise<void>;
  /** Cuts the workers off from PostgreSQL for some time. */
  partition(ms: number): Promise<void>;
  restartPostgres(): Promise<void>;
  stopRedis(ms: number): Promise<void>;
  flushRedis(): Promise<void>;
};

/** Starts three workers with all that they need. */
export async function openSoak(): Promise<SoakSetting> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'flowplane-soak-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  let embedded = await startEmbedded({ dataDir, fast: true });
  stack.defer(() => embedded.stop());
  await migrate(embedded.url);
  const database = openDatabase(embedded.url, { onError: () => {} });
  stack.defer(() => database.close());
  const { pool } = database;
  await pool.query(effectsTable);
  await pool.query('create index on effects (key)');
  const teamId = newId();
  await pool.query(`insert into teams (id, name, slug) values ($1, 'team', 'team')`, [teamId]);
  const { proxy, url } = await proxyDatabase(embedded.url);
  stack.use(proxy);

  const port = await freePort();
  const startRedis = () =>
    spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  let server = startRedis();
  const killRedis = () => void server.kill('SIGKILL');
  // All else ends with this process by itself.
  process.once('exit', killRedis);
  stack.defer(() => {
    process.removeListener('exit', killRedis);
    killRedis();
  });
  const redis = `redis://127.0.0.1:${port}`;

  const ended: string[] = [];
  async function startWorker(index: number): Promise<ChildProcess> {
    const child = fork(script, [url, redis, String(shifts[index])], {
      // Starting is most of a worker's life here.
      env: { NODE_COMPILE_CACHE: join(dataDir, '../flowplane-soak-cache') },
      execArgv: ['--import', clock.href],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL') ended.push(`worker ${index} ended by itself with ${signal ?? code}`);
    });
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
    return child;
  }
  async function kill(child: ChildProcess | undefined): Promise<void> {
    if (!child || child.signalCode !== null || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  const workers = shifts.map((_, index) => startWorker(index));
  await Promise.all(workers);
  stack.defer(async () => {
    await Promise.all(workers.map(async (worker) => kill(await worker)));
  });

  const rest = stack.move();
  return {
    database,
    teamId,
    redis,
    async publish(input) {
      const definitionHash = randomUUID();
      const body = JSON.stringify(definitionSchema.parse(input));
      const workflowId = newId();
      await pool.query('insert into definitions (team_id, hash, body) values ($1, $2, $3)', [
        teamId,
        definitionHash,
        body,
      ]);
      await pool.query(
        `insert into workflows (id, team_id, name, description, definition, published_version) values ($1, $2, 'w', '', '{}', 1)`,
        [workflowId, teamId],
      );
      await pool.query(
        'insert into workflow_versions (workflow_id, version, team_id, definition_hash) values ($1, 1, $2, $3)',
        [workflowId, teamId, definitionHash],
      );
      return { teamId, workflowId, version: 1, definitionHash, trigger: 'api', input: null };
    },
    workers: workers.length,
    ended,
    async replace(index) {
      await kill(await workers[index]);
      const next = startWorker(index);
      workers[index] = next;
      await next;
    },
    async freeze(index, ms) {
      const worker = await workers[index];
      worker?.kill('SIGSTOP');
      await sleep(ms);
      worker?.kill('SIGCONT');
    },
    async partition(ms) {
      proxy.cut();
      await sleep(ms);
      await proxy.mend();
    },
    async restartPostgres() {
      await embedded.stop();
      embedded = await startEmbedded({ dataDir, fast: true });
    },
    async stopRedis(ms) {
      server.kill('SIGKILL');
      await sleep(ms);
      server = startRedis();
    },
    async flushRedis() {
      const client = spawn('redis-cli', ['-p', String(port), 'flushall'], { stdio: 'ignore' });
      await once(client, 'exit');
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
