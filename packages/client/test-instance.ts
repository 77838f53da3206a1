import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The account of the instance, which is also that of the README. */
export const owner = { email: 'ann@example.com', password: 'correct horse battery' };

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return address.port;
}

/** Starts Flowplane as its users do, on an empty database of its own. */
export async function startFlowplane() {
  const port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), 'flowplane-client-test-'));
  const child = spawn(process.execPath, ['apps/api/main.ts'], {
    cwd: resolve(import.meta.dirname, '../..'),
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      API_PORT: String(port),
      DATA_DIR: dataDir,
      OWNER_EMAIL: owner.email,
      OWNER_PASSWORD: owner.password,
      RATE_LIMIT_PER_MINUTE: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const ended = once(child, 'close');
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        if (said.includes('Flowplane is ready')) resolve();
      });
    }
  });
  await Promise.race([ready, ended.then(() => Promise.reject(new Error(`Flowplane ended:\n${said}`)))]);
  return {
    url: `http://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
