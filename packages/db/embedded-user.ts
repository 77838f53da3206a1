import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError } from './embedded-error.ts';

const run = promisify(execFile);

/** The identity PostgreSQL runs under; `undefined` means our own. */
export type RunAs = { uid: number; gid: number } | undefined;

/** All the environment our child processes get: nothing of ours (PGDATA, PGPORT, …) may steer them. */
export const childEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/**
 * Who runs PostgreSQL on `dataDir`. PostgreSQL refuses to run as root, so root gives way to the data directory's owner (which
 * also keeps `sudo npm start` from taking a developer's data away), else to the user `postgres`, created when missing.
 *
 * @throws EmbeddedError when that user can neither be found nor created.
 */
export async function embeddedUser(dataDir: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(dataDir).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return (await postgresUser()) ?? (await createPostgresUser());
}

async function postgresUser(): Promise<RunAs> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'], { env: childEnv })));
    return uid && gid && { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

async function createPostgresUser(): Promise<RunAs> {
  // Debian, Fedora and the like have useradd, Alpine's BusyBox only adduser.
  const created =
    'useradd --system --user-group --no-create-home --shell /bin/false postgres || ' +
    '{ addgroup -S postgres && adduser -S -D -H -s /bin/false -G postgres postgres; }';
  const output = await run('/bin/sh', ['-c', created], { env: childEnv }).catch((error: Error) => error.message);
  const user = await postgresUser();
  if (user) return user;
  throw new EmbeddedError(
    `The embedded PostgreSQL cannot run as root, and the user "postgres" to run it as could not be created (${String(output).trim()}). Create that user, start Flowplane as another user than root, or set DATABASE_URL to a PostgreSQL server of yours.`,
  );
}

/** The first directory on the way to `path` (an absolute real path) that `runAs` may not pass; found by trying as that user. */
export async function firstBlocked(path: string, runAs: RunAs): Promise<string | undefined> {
  const ways: string[] = [];
  for (let way = path; way !== dirname(way); ) {
    way = dirname(way);
    ways.unshift(way);
  }
  const script = 'for way in "$@"; do [ -x "$way" ] || { printf %s "$way"; exit 0; }; done';
  const { stdout } = await run('/bin/sh', ['-c', script, 'sh', ...ways], { ...runAs, env: childEnv, cwd: '/' });
  return stdout || undefined;
}
