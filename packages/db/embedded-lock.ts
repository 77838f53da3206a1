import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnv } from './embedded-user.ts';

const run = promisify(execFile);

/** What `postmaster.pid` says: the process, whether that process really is the PostgreSQL of this directory, and whether it is ending. */
export type Lock = { pid: string; live: boolean; stopping: boolean };

/**
 * Reads `postmaster.pid` of `dataDir` (a real path); `undefined` when there is none. PostgreSQL itself takes any living process
 * of that number for its predecessor, which after a kill of a container is the normal case: its successor has the same numbers.
 * The file's lines: https://www.postgresql.org/docs/18/storage-file-layout.html, the 8th being the status.
 */
export async function readLock(dataDir: string): Promise<Lock | undefined> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = lines[0]?.trim();
  if (!pid || !/^[1-9]\d{0,9}$/.test(pid)) return undefined;
  return { pid, live: await isPostgresOf(dataDir, pid), stopping: lines[7]?.trim() === 'stopping' };
}

async function isPostgresOf(dataDir: string, pid: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const [name, cwd] = await Promise.all([
      readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    return name.trim() === 'postgres' && cwd === dataDir;
  }
  const { stdout } = await run('ps', ['-p', pid, '-o', 'command='], { env: childEnv }).catch(() => ({ stdout: '' }));
  return stdout.includes('postgres') && stdout.includes(dataDir);
}
