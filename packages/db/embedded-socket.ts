import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedError } from './embedded-error.ts';
import { firstBlocked, type RunAs } from './embedded-user.ts';

/**
 * A private directory (0700, of `runAs`) for the Unix socket of the cluster in `dataDir`. It is in the temporary folder because a
 * socket's path is limited to 107 bytes (103 on macOS), and named by a hash of `dataDir`, so that there is one per cluster.
 *
 * @throws EmbeddedError when somebody else made that directory.
 */
export async function prepareSocketDir(dataDir: string, runAs: RunAs): Promise<string> {
  const name = `flowplane-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const path = await socketPath(name, runAs);
  const created = await mkdir(path, { mode: 0o700 }).then(
    () => true,
    () => false,
  );
  if (created && runAs) await chown(path, runAs.uid, runAs.gid);
  const found = await lstat(path);
  const owner = runAs?.uid ?? process.getuid?.();
  if (found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0) return path;
  throw new EmbeddedError(
    `${path}, where the embedded PostgreSQL puts its socket, belongs to another user (id ${found.uid}) or is open to others. Remove it, or set TMPDIR to a directory of your own.`,
  );
}

async function socketPath(name: string, runAs: RunAs): Promise<string> {
  const path = join(await realpath(tmpdir()), name);
  const fits = Buffer.byteLength(join(path, '.s.PGSQL.5432.lock')) <= 103;
  const open = !runAs || !(await firstBlocked(path, runAs));
  return fits && open ? path : join('/tmp', name);
}
