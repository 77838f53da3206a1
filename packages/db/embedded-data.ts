import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError } from './embedded-error.ts';
import { childEnv, firstBlocked, type RunAs } from './embedded-user.ts';

const run = promisify(execFile);
const majorVersion = '18';
const abandonedAfterMs = 10 * 60_000;

/**
 * Makes `dataDir` an initialised cluster of `runAs` unless it is one already, and returns its real path.
 *
 * @param native where `bin/initdb` is, reachable for `runAs`.
 * @throws EmbeddedError when the directory holds something else, belongs to somebody else or cannot be initialised.
 */
export async function prepareDataDir(dataDir: string, native: string, options: { runAs: RunAs; fast: boolean }) {
  const path = resolve(dataDir);
  try {
    await mkdir(dirname(path), { recursive: true });
    const content = await readdir(path).catch(ignoreMissing);
    if (content?.includes('PG_VERSION')) await checkVersion(path);
    else if (content?.length) {
      throw new EmbeddedError(
        `${path} is not empty and holds no PostgreSQL data, so Flowplane leaves it alone. Set DATA_DIR to another directory, or empty this one.`,
      );
    } else await initialise(path, native, options);
    return await realpath(path);
  } catch (error) {
    if (error instanceof EmbeddedError || !(error instanceof Error)) throw error;
    throw new EmbeddedError(
      `The data directory ${path} cannot be used (${error.message}). Make it readable and writable for the user who starts Flowplane, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL server of yours.`,
    );
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function checkVersion(path: string): Promise<void> {
  const version = (await readFile(join(path, 'PG_VERSION'), 'utf8')).trim();
  if (version === majorVersion) return;
  throw new EmbeddedError(
    `The data in ${path} was written by PostgreSQL ${version}, and this Flowplane embeds ${majorVersion}, which cannot read it. Dump it with PostgreSQL ${version}'s pg_dump and restore it here, or set DATA_DIR to another directory to begin anew.`,
  );
}

/** initdb works in a directory beside, renamed when complete: one that was interrupted never looks like a cluster. */
async function initialise(path: string, native: string, options: { runAs: RunAs; fast: boolean }): Promise<void> {
  await removeAbandoned(path);
  const fresh = await mkdtemp(`${path}.new-`);
  if (options.runAs) await chown(fresh, options.runAs.uid, options.runAs.gid);
  const flags = [
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--locale-provider=libc',
    '--username=flowplane',
  ];
  if (process.platform === 'darwin') flags[2] = '--locale=C';
  if (options.fast) flags.push('--no-sync');
  const as = { ...options.runAs, env: childEnv, cwd: fresh };
  try {
    await run(join(native, 'bin/initdb'), ['-D', await dataDirArgument(fresh, options.runAs), ...flags], as);
    await rename(fresh, path);
    if (!options.fast) await syncDirectory(dirname(path));
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another start may have been quicker; its cluster is as good as ours.
    if ((await readdir(path).catch(ignoreMissing))?.includes('PG_VERSION')) return;
    throw error;
  }
}

async function removeAbandoned(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    const left = join(dirname(path), name);
    if (!name.startsWith(`${basename(path)}.new-`)) continue;
    if (Date.now() - (await stat(left)).mtimeMs > abandonedAfterMs) await rm(left, { recursive: true, force: true });
  }
}

/** Until the parent is on disk a power cut could undo the rename, and with it everything written since. */
async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path);
  await handle.sync();
}

/**
 * What to pass as `-D` to a PostgreSQL program whose working directory is `dataDir`. Where a directory above is closed to `runAs`
 * (a checkout in /root), Linux still lets a process use its working directory through /proc/self/cwd, which passes no
 * directory above; PostgreSQL opens its files relative to it anyway.
 *
 * @throws EmbeddedError naming that directory where there is no /proc.
 */
export async function dataDirArgument(dataDir: string, runAs: RunAs): Promise<string> {
  const blocked = runAs && (await firstBlocked(await realpath(dataDir), runAs));
  if (!blocked) return dataDir;
  if (process.platform === 'linux' && (await stat('/proc/self/cwd').catch(() => undefined))) return '/proc/self/cwd';
  throw new EmbeddedError(
    `Flowplane was started by root, so the embedded PostgreSQL runs as user id ${runAs.uid}, and ${blocked} is closed to that user. Run "chmod o+x ${blocked}", or move the checkout, or set DATA_DIR to a directory elsewhere, or DATABASE_URL to a PostgreSQL server of yours.`,
  );
}
