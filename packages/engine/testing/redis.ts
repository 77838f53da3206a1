import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

declare global {
  interface ImportMeta {
    /** vitest's view of the environment. */
    readonly env: Readonly<Record<string, string | undefined>>;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(false));
  });
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port');
  return address.port;
}

/** A Redis that is this test's to stop and kill, once it answers; undefined where there is no redis-server on the PATH. */
export async function spawnRedis(): Promise<{ port: number; child: ChildProcess } | undefined> {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  const ended = new Promise<true>((resolve) => {
    child.once('error', () => resolve(true));
    child.once('exit', () => resolve(true));
  });
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (await answers(port)) return { port, child };
    if ((await Promise.race([ended, sleep(100)])) === true) return undefined;
  }
  child.kill('SIGKILL');
  return undefined;
}

type TestRedis = AsyncDisposable & { url: string };

/** A database of a shared Redis that is this test's alone, emptied before and after. */
async function borrow(server: string): Promise<TestRedis> {
  const url = new URL(server);
  url.pathname = `/${1 + Math.floor(Math.random() * 15)}`;
  const client = new Redis(url.href, { maxRetriesPerRequest: 1 });
  await client.flushdb();
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await client.flushdb();
      client.disconnect();
    },
  };
}

async function own(): Promise<TestRedis | undefined> {
  const spawned = await spawnRedis();
  if (!spawned) return undefined;
  const { port, child } = spawned;
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/**
 * The Redis that `REDIS_URL` names, else the one on localhost:6379, else one started from the PATH for this test. Where there is
 * none, says so in one line and gives undefined, for the caller to skip.
 *
 * @throws where there is none and `CI` is `true`: there nothing may be skipped.
 */
export async function testRedis(): Promise<TestRedis | undefined> {
  const { REDIS_URL, CI } = import.meta.env;
  if (REDIS_URL) return borrow(REDIS_URL);
  if (await answers(6379)) return borrow('redis://127.0.0.1:6379');
  const redis = await own();
  if (redis) return redis;
  const missing = 'There is no Redis: neither REDIS_URL, nor one on localhost:6379, nor a redis-server on the PATH';
  if (CI === 'true') throw new Error(missing);
  console.warn(`${missing}; its tests are skipped.`);
  return undefined;
}
