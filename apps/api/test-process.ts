import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from './config.ts';

export const owner = { email: 'owner@example.com', password: 'a-password-of-the-tests' };

export async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('a server on a port has one');
  return address.port;
}

/** A directory for the data of one instance; disposed of when no process uses it any more. */
export function dataDirectory(): { path: string; [Symbol.asyncDispose](): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'flowplane-api-test-'));
  async function dispose(): Promise<void> {
    for (let i = 0; i < 100 && (await processesOn(path)).length > 0; i++) await sleep(100);
    rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
  return { path, [Symbol.asyncDispose]: dispose };
}

/** The command lines of the living processes, PostgreSQL's supervisor included, that were given a data directory. */
export async function processesOn(dataDir: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'stat=,args=']);
  return stdout.split('\n').filter((line) => line.includes(dataDir) && !line.startsWith('Z'));
}

export type Instance = {
  child: ChildProcess;
  url: string;
  port: number;
  /** All of stdout and stderr so far. */
  output: () => string;
  stderr: () => string;
  /** The exit code once it has ended; null when a signal ended it. */
  ended: Promise<number | null>;
  /** Milliseconds until it said that it is ready. @throws Error when it ended instead. */
  ready: () => Promise<number>;
};

/** Starts `node apps/api/main.ts` with these settings, nothing of this process's environment; without limits unless they say so. */
export function startInstance(settings: Record<string, string> & { API_PORT: string }): Instance {
  const begun = performance.now();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'apps/api/main.ts'], {
    cwd: root,
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      OWNER_PASSWORD: owner.password,
      LOG_FORMAT: 'json',
      RATE_LIMIT_PER_MINUTE: '0',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said.stderr += text;
  });
  const output = () => said.stdout + said.stderr;
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  async function ready(): Promise<number> {
    while (!said.stdout.includes('Flowplane is ready')) {
      if (over) throw new Error(`the process ended:\n${output()}`);
      await sleep(10);
    }
    return performance.now() - begun;
  }
  const port = Number(settings.API_PORT);
  return { child, url: `http://localhost:${port}`, port, output, stderr: () => said.stderr, ended, ready };
}

/** The body; of an event stream, which may never end, what comes first. */
export async function textOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response.text();
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value);
}

export type Answer = { status: number; headers: Headers; text: string; json: unknown };

/** Sends a request; a body that is not a string is sent as JSON. */
export async function send(
  url: string,
  options: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { body, headers = {} } = options;
  const response = await fetch(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await textOf(response);
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}
