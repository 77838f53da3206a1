import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export type Child = {
  pid: number;
  /** The first message that it sends. Rejects when it ends before. */
  message: Promise<unknown>;
  /** Rejects when it ends by itself. */
  ended: Promise<never>;
  stop(): Promise<void>;
};

export type ChildOptions = { args?: string[]; env?: Record<string, string>; nodeFlags?: string[] };

const patienceMs = 10_000;
const rememberedChars = 4_000;

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  const killed = sleep(patienceMs, undefined, { signal: late.signal })
    .then(() => child.kill('SIGKILL'))
    .catch(() => undefined);
  await exited;
  late.abort();
  await killed;
}

/**
 * Starts a Node program with nothing of this process's environment. Should this process be killed, the program notices by
 * the end of the channel between them.
 */
export function startChild(file: string, options: ChildOptions = {}): Child {
  const child = fork(file, options.args ?? [], {
    env: options.env ?? {},
    execArgv: options.nodeFlags ?? [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-rememberedChars);
    });
  }
  let stopping = false;
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (!stopping) reject(new Error(`${file} ended with ${signal ?? code}; it said last:\n${said}`));
    });
  });
  ended.catch(() => undefined);
  const message = Promise.race([ended, new Promise((resolve) => child.once('message', resolve))]);
  message.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    message,
    ended,
    async stop() {
      stopping = true;
      await stop(child);
    },
  };
}
