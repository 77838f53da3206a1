import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { installedBinaries, reachableBinaries } from './embedded-binaries.ts';
import { dataDirArgument, prepareDataDir } from './embedded-data.ts';
import { EmbeddedError } from './embedded-error.ts';
import { readLock } from './embedded-lock.ts';
import { busyCode, type Launched, type LaunchOptions, launch } from './embedded-process.ts';
import { prepareSocketDir } from './embedded-socket.ts';
import { embeddedUser } from './embedded-user.ts';

export type Embedded = {
  /** `postgresql://…` for pg, by Unix socket. */
  url: string;
  /** Fast shutdown; resolves when the process is gone. */
  stop: () => Promise<void>;
};

export type EmbeddedOptions = {
  /** The cluster's own directory, created when missing. */
  dataDir: string;
  /** For tests: nothing is forced to disk, so a crash of the machine may lose everything. */
  fast?: boolean;
  /** For tests: the data goes when PostgreSQL ends, even if this process was killed. */
  temporary?: boolean;
  /** PostgreSQL's log, a line at a time. It holds no statements and no errors of statements: those reach their client. */
  onLog?: (line: string) => void;
  /** PostgreSQL ended without `stop()` having been called; `why` is the end of its log. */
  onExit?: (why: string) => void;
};

const settings = {
  listen_addresses: '',
  shared_buffers: '128MB',
  max_connections: '100',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Statements may hold secrets, and clients are told their errors anyway.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  // Compiling pays off only for queries far longer than ours.
  jit: 'off',
};
const fastSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Who is killed needs a moment to be seen; a fast shutdown ends with a checkpoint, which takes as long as the disk. */
const patienceMs = { ready: 2_000, stopping: 15_000 };

/**
 * Starts the embedded PostgreSQL 18 on `dataDir`, initialising it the first time, with an empty database `flowplane` (owner and
 * only user: `flowplane`). It listens on a Unix socket in a private directory only. It ends with this process, however that ends.
 * A second start on the same directory is refused, except that one which is just shutting down is waited for.
 *
 * @throws EmbeddedError when it cannot run, saying why and what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  if (process.platform === 'win32') {
    throw new EmbeddedError(
      'The embedded PostgreSQL needs Linux or macOS. Set DATABASE_URL to a PostgreSQL server of yours.',
    );
  }
  const { fast = false, temporary = false, onLog = () => undefined } = options;
  const runAs = await embeddedUser(options.dataDir);
  const native = await reachableBinaries(installedBinaries(), runAs);
  const dataDir = await prepareDataDir(options.dataDir, native, { runAs, fast });
  const socketDir = await prepareSocketDir(dataDir, runAs);
  const all = { ...settings, ...(fast ? fastSettings : {}), unix_socket_directories: socketDir };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [join(native, 'bin/postgres'), '-D', await dataDirArgument(dataDir, runAs), ...flags];
  const server = await launchWhenFree({ dataDir, socketDir, command, runAs, temporary, onLog });

  let stopping = false;
  server.ended.then(({ log }) => stopping || options.onExit?.(log.join('\n')));
  async function stop(): Promise<void> {
    stopping = true;
    await server.stop();
  }
  try {
    await createDatabase(socketDir);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: socketUrl(socketDir, 'flowplane'), stop };
}

async function launchWhenFree(options: LaunchOptions): Promise<Launched> {
  const { dataDir } = options;
  for (const since = Date.now(); ; await sleep(50)) {
    const lock = await readLock(dataDir);
    if (!lock?.live) {
      const server = launch({ ...options, stalePid: lock?.pid });
      if (await server.ready) return server;
      const { code, log } = await server.ended;
      if (!isBusy(code, log)) throw notStarted(dataDir, log);
    }
    const patience = lock && !lock.stopping ? patienceMs.ready : patienceMs.stopping;
    if (Date.now() - since > patience) throw inUse(dataDir, lock?.live ? lock.pid : undefined);
  }
}

function isBusy(code: number, log: string[]): boolean {
  return code === busyCode || /lock file ".*" already exists|pre-existing shared memory block/.test(log.join('\n'));
}

function notStarted(dataDir: string, log: string[]): EmbeddedError {
  return new EmbeddedError(
    `The embedded PostgreSQL did not start on ${dataDir}. The end of its log: ${log.join('\n')}\nCorrect that, or set DATA_DIR to another directory to begin anew, or DATABASE_URL to a PostgreSQL server of yours.`,
  );
}

function inUse(dataDir: string, pid: string | undefined): EmbeddedError {
  const who = pid ? `its PostgreSQL is process ${pid}` : 'perhaps in another container';
  return new EmbeddedError(
    `Another Flowplane is running on ${dataDir} (${who}). Stop it first, or set DATA_DIR to another directory to run a second one beside it.`,
  );
}

function socketUrl(socketDir: string, database: string): string {
  return `postgresql://flowplane@localhost/${database}?host=${encodeURIComponent(socketDir)}`;
}

/** Looked for at every start: the first one may have ended between initdb and here. */
async function createDatabase(socketDir: string): Promise<void> {
  const client = new Client({ connectionString: socketUrl(socketDir, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query(`select from pg_database where datname = 'flowplane'`);
    if (!rowCount) await client.query('create database flowplane');
  } finally {
    await client.end();
  }
}
