import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { childEnv, type RunAs } from './embedded-user.ts';

/** Exit code of the supervisor when somebody else holds the data directory; PostgreSQL has none like it. */
export const busyCode = 75;

const stopTimeoutMs = 60_000;

/**
 * A shell stands between us and PostgreSQL, in a session of its own (Ctrl-C does not reach it), reading a pipe that only we hold:
 * at its end, be it because we stop or because we were killed, PostgreSQL gets SIGINT, its fast shutdown.
 *
 * It holds `flowplane.lock` as long as any PostgreSQL process of this directory lives. PostgreSQL's own interlock goes by process
 * number, and containers sharing a volume do not see each other's. flock(1) is missing on macOS: there only PostgreSQL's interlock holds.
 * Under that lock it also makes the socket's directory again, which its predecessor may have removed a moment ago.
 */
const supervisor = `
dataDir=$1 socketDir=$2 stale=$3 temporary=$4; shift 4
exec 3<&0 </dev/null 9>>flowplane.lock
if command -v flock >/dev/null; then flock -n 9 || exit ${busyCode}; fi
if [ -n "$stale" ] && read -r pid <postmaster.pid && [ "$pid" = "$stale" ]; then rm -f postmaster.pid; fi
mkdir -m 700 "$socketDir" 2>/dev/null
[ -O "$socketDir" ] || { echo "$socketDir belongs to another user" >&2; exit 1; }
rm -f "$socketDir"/.s.PGSQL.*
"$@" 3<&- &
postgres=$!
(read -r _ <&3; kill -INT $postgres) 9>&- &
watcher=$!
exec 3<&-
wait $postgres; code=$?
kill $watcher 2>/dev/null
rmdir "$socketDir" 2>/dev/null
if [ -n "$temporary" ]; then cd / && rm -rf "$dataDir"; fi
exit $code
`;

export type LaunchOptions = {
  dataDir: string;
  socketDir: string;
  /** The PostgreSQL program and its arguments. */
  command: string[];
  runAs: RunAs;
  /** A number in postmaster.pid that is known to belong to another program by now. */
  stalePid?: string | undefined;
  /** Remove the data with the process, also when we are killed. */
  temporary: boolean;
  onLog: (line: string) => void;
};

export type Launched = {
  /** `true` once connections are accepted, `false` when PostgreSQL ended instead. */
  ready: Promise<boolean>;
  /** The supervisor's exit code (a signal counts as -1) and the last lines of the log. */
  ended: Promise<{ code: number; log: string[] }>;
  stop: () => Promise<void>;
};

/** Starts PostgreSQL under the supervisor. Never rejects: what goes wrong is in `ended`. */
export function launch({
  dataDir,
  socketDir,
  command,
  runAs,
  stalePid = '',
  temporary,
  onLog,
}: LaunchOptions): Launched {
  const args = [dataDir, socketDir, stalePid, temporary ? 'yes' : '', ...command];
  const child = spawn('/bin/sh', ['-c', supervisor, 'flowplane-postgres', ...args], {
    ...runAs,
    cwd: dataDir,
    env: childEnv,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const log: string[] = [];
  const ended = new Promise<{ code: number; log: string[] }>((resolve) => {
    child.once('error', (error) => resolve({ code: -1, log: [...log, error.message] }));
    child.once('exit', (code) => resolve({ code: code ?? -1, log }));
  });
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (log.push(line) > 20) log.shift();
      onLog(line);
      if (line.includes('database system is ready to accept connections')) resolve(true);
    });
    ended.then(() => resolve(false));
  });
  // The pipe breaks when PostgreSQL ends by itself; `ended` tells that.
  child.stdin.on('error', () => undefined);

  async function stop(): Promise<void> {
    child.stdin.end();
    const late = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(late);
  }
  return { ready, ended, stop };
}
