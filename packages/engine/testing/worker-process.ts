import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

const script = new URL('./killed-worker.ts', import.meta.url);

/** Starts a worker process on a database; it is ready when this resolves. @param round see `killed-worker.ts`. */
export async function startWorker(url: string, round?: number): Promise<ChildProcess> {
  const args = round === undefined ? [url] : [url, String(round)];
  const child = fork(script, args, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

/** Ends a process as a crash would. */
export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}
