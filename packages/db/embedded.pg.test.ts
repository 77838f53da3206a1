import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startEmbedded } from './embedded.ts';
import { installedBinaries, reachableBinaries } from './embedded-binaries.ts';
import { EmbeddedError } from './embedded-error.ts';
import { embeddedUser } from './embedded-user.ts';

const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === 'linux';

// 0700 of whoever runs the tests: as root, PostgreSQL's own user cannot pass it, which is what a checkout in /root is like.
let home: string;
let dataDir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'flowplane-embedded-'));
  dataDir = join(home, 'deep/er/data');
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A process of its own that has the cluster started and then does nothing. */
async function holder() {
  const script = `import { startEmbedded } from ${JSON.stringify(join(import.meta.dirname, 'embedded.ts'))};
    await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, fast: true });
    console.log('started');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('keeps its data over a restart, and its processes are gone after stop()', async () => {
  const first = await startEmbedded({ dataDir, fast: true });
  await query(first.url, 'create table note (text text)');
  await query(first.url, `insert into note values ('kept')`);
  const pid = await postmasterPid();
  await first.stop();
  expect(isAlive(pid)).toBe(false);

  const second = await startEmbedded({ dataDir, fast: true });
  expect(await query(second.url, 'select text from note')).toEqual(['kept']);
  expect(await query(second.url, 'select current_database() union all select current_user')).toEqual([
    'flowplane',
    'flowplane',
  ]);
  await second.stop();
});

test('forces commits to disk unless it is told to be fast', async () => {
  await using disposables = new AsyncDisposableStack();
  const durable = await startEmbedded({ dataDir });
  disposables.defer(durable.stop);
  const names = `('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums')`;
  expect(await query(durable.url, `select setting from pg_settings where name in ${names}`)).toEqual([
    'on',
    'on',
    'on',
    'on',
  ]);
});

test('dies with the process that started it, killed with -9, and the next start takes over at once', async () => {
  const child = await holder();
  const pid = await postmasterPid();
  child.kill('SIGKILL');
  const next = await startEmbedded({ dataDir, fast: true });
  expect(isAlive(pid)).toBe(false);
  expect(await query(next.url, 'select 1')).toEqual([1]);
  await next.stop();
});

test('is not reached by Ctrl-C in the terminal of the process that started it', async () => {
  const child = await holder();
  const pid = await postmasterPid();
  const [own, postgres] = [child.pid, pid].map((of) =>
    spawnSync('ps', ['-o', 'pgid=', '-p', `${of}`]).stdout.toString(),
  );
  expect(Number(own)).toBeGreaterThan(0);
  expect(Number(postgres)).toBeGreaterThan(0);
  expect(postgres).not.toBe(own);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000);
});

test('a second one on the same directory is refused and does not disturb the first', async () => {
  const first = await startEmbedded({ dataDir, fast: true });
  await expect(startEmbedded({ dataDir, fast: true })).rejects.toThrow(/Another Flowplane is running on .*process \d+/);
  expect(await query(first.url, 'select 1')).toEqual([1]);
  await first.stop();
});

test.runIf(isLinux)('one in another container, whose processes cannot be seen, is refused as well', async () => {
  const first = await startEmbedded({ dataDir, fast: true });
  const left = await readFile(join(dataDir, 'postmaster.pid'), 'utf8');
  await first.stop();
  await writeFile(join(dataDir, 'postmaster.pid'), left);
  const other = spawn('flock', [join(dataDir, 'flowplane.lock'), 'sleep', '60'], { detached: true });
  await once(other, 'spawn');
  await expect(startEmbedded({ dataDir, fast: true })).rejects.toThrow(/perhaps in another container/);
  process.kill(-Number(other.pid), 'SIGKILL');
});

test('a postmaster.pid whose number now belongs to another program is taken for what it is', async () => {
  const first = await startEmbedded({ dataDir, fast: true });
  const left = await readFile(join(dataDir, 'postmaster.pid'), 'utf8');
  await first.stop();
  // PostgreSQL itself refuses only when that program has its user id, so the stand-in must.
  const program = spawn('sleep', ['60'], { ...(await embeddedUser(dataDir)), cwd: '/' });
  await once(program, 'spawn');
  await writeFile(join(dataDir, 'postmaster.pid'), left.replace(/^\d+/, String(program.pid)));

  const second = await startEmbedded({ dataDir, fast: true });
  expect(await query(second.url, 'select 1')).toEqual([1]);
  await second.stop();
  expect(program.kill('SIGKILL')).toBe(true);
});

test('an initialisation that was interrupted half way is begun anew', async () => {
  await mkdir(`${dataDir}.new-abc`, { recursive: true });
  await writeFile(join(`${dataDir}.new-abc`, 'PG_VERSION'), '18\n');
  const embedded = await startEmbedded({ dataDir, fast: true });
  expect(await query(embedded.url, 'select 1')).toEqual([1]);
  await embedded.stop();
});

test('tells when PostgreSQL ends by itself, and its supervisor ends too', async () => {
  const onExit = vi.fn();
  const embedded = await startEmbedded({ dataDir, fast: true, onExit });
  process.kill(await postmasterPid(), 'SIGINT');
  await vi.waitFor(() => expect(onExit).toHaveBeenCalledOnce(), 5000);
  expect(onExit.mock.calls[0]?.[0]).toMatch(/database system is shut down/);
  await embedded.stop();
  expect(onExit).toHaveBeenCalledOnce();
});

test('temporary data is removed even if the process that started it was killed', async () => {
  const script = `import { startEmbedded } from ${JSON.stringify(join(import.meta.dirname, 'embedded.ts'))};
    await startEmbedded({ dataDir: process.argv[1], fast: true, temporary: true });
    process.kill(process.pid, 'SIGKILL');`;
  dataDir = await mkdtemp(join(tmpdir(), 'flowplane-test-'));
  spawnSync(process.execPath, ['--input-type=module', '-e', script, dataDir]);
  await vi.waitFor(() => expect(readFile(join(dataDir, 'PG_VERSION'))).rejects.toThrow('ENOENT'), 5000);
});

test('a directory of something else, or of another PostgreSQL, is left alone with a clear message', async () => {
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'thesis.txt'), 'years of work');
  await expect(startEmbedded({ dataDir })).rejects.toThrow(/is not empty and holds no PostgreSQL data/);
  await writeFile(join(dataDir, 'PG_VERSION'), '15\n');
  await expect(startEmbedded({ dataDir })).rejects.toThrow(/written by PostgreSQL 15/);
  await expect(startEmbedded({ dataDir })).rejects.toThrow(EmbeddedError);
  expect(await readFile(join(dataDir, 'thesis.txt'), 'utf8')).toBe('years of work');
});

test.runIf(isRoot)(
  'root runs from a copy of the binaries when the checkout is closed to the postgres user',
  async () => {
    const user = await embeddedUser(dataDir);
    const native = join(home, 'package/native');
    await cp(join(installedBinaries(), '..'), join(home, 'package'), { recursive: true, verbatimSymlinks: true });
    await chmod(home, 0o700);
    const copy = await reachableBinaries(native, user);
    expect(copy).not.toBe(native);

    // A cleaner of temporary folders took one file.
    await rm(join(copy, 'share/postgresql/postgres.bki'));
    expect(await reachableBinaries(native, user)).toBe(copy);
    expect(await readFile(join(copy, 'share/postgresql/postgres.bki'))).toHaveLength(
      (await readFile(join(native, 'share/postgresql/postgres.bki'))).length,
    );
  },
);
