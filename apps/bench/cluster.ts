import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startEmbedded } from '@flowplane/db/embedded';
import { migrate } from '@flowplane/db/migrate';
import pg from 'pg';

/** One PostgreSQL with a database for each side, so that both sides have the same disk and the same settings. */
export type Cluster = { ours: string; bare: string; version: string; stop(): Promise<void> };

/**
 * Starts an embedded PostgreSQL whose commits are forced to disk. Its data lies in the checkout, because the system's
 * temporary directory may be memory, where that costs nothing; it is deleted at the end.
 *
 * @throws EmbeddedError when it cannot run.
 */
export async function startCluster(): Promise<Cluster> {
  const home = resolve(import.meta.dirname, '../../.flowplane');
  await mkdir(home, { recursive: true });
  const dataDir = await mkdtemp(join(home, 'bench-'));
  const { url, stop } = await startEmbedded({ dataDir, temporary: true });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('create database bare');
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  await client.end();
  const bare = new URL(url);
  bare.pathname = '/bare';
  await migrate(bare.href);
  return {
    ours: url,
    bare: bare.href,
    version: rows[0]?.server_version ?? 'unknown',
    async stop() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
