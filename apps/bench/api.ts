import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@flowplane/client';
import { type Child, startChild } from './child.ts';
import { orderWorkflow } from './order.ts';
import { poolSize } from './pool-size.ts';

const owner = { email: 'owner@example.com', password: 'benchmark-password' };
const patienceMs = 60_000;
/** As `npm start` runs it. */
const asStarted = {
  flags: ['--max-semi-space-size=8', '--heap-growing-percent=30'],
  env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../../node_modules/.cache/node'), MALLOC_ARENA_MAX: '2' },
};

/** The API process: what its tokens are signed with is known, so that a baseline can accept them too. */
export type Api = { child: Child; url: string; issuer: string; secretKey: string };

/** Somebody signed in at the API, with the order workflow published. */
export type Caller = { accessToken: string; teamSlug: string; workflowId: string };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** Starts `apps/api/main.ts`, not ready yet. @param nodeFlags for Node itself, e.g. `--cpu-prof`. */
export async function startApi(database: string, nodeFlags: string[] = []): Promise<Api> {
  const port = await freePort();
  const secretKey = 'a key for benchmarks, which protects nothing';
  const env = {
    ...asStarted.env,
    DATABASE_URL: database,
    DATABASE_POOL: String(poolSize),
    REDIS_URL: '',
    ENVIRONMENT: 'development',
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    PUBLIC_URL: '',
    SECRET_KEY: secretKey,
    OWNER_EMAIL: owner.email,
    OWNER_PASSWORD: owner.password,
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'warn',
    LOG_FORMAT: 'json',
  };
  const child = startChild(resolve(import.meta.dirname, '../api/main.ts'), {
    env,
    nodeFlags: [...asStarted.flags, ...nodeFlags],
  });
  return { child, url: `http://127.0.0.1:${port}`, issuer: `http://localhost:${port}`, secretKey };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/ready`).then(
    (answer) => answer.ok,
    () => false,
  );
}

async function untilReady(url: string): Promise<void> {
  for (const since = Date.now(); !(await isReady(url)); await sleep(50)) {
    if (Date.now() - since > patienceMs) throw new Error(`${url} was not ready within ${patienceMs / 1_000} s.`);
  }
}

/** Waits for the API, signs its owner in and publishes the order workflow. @throws Error when the API does not start. */
export async function enter({ child, url }: Api): Promise<Caller> {
  await Promise.race([untilReady(url), child.ended]);
  const { accessToken, team } = await createClient({ url }).auth.login(owner);
  const client = createClient({ url, token: accessToken });
  const { id } = await client.workflows.create(orderWorkflow);
  await client.workflows.publish({ id });
  return { accessToken, teamSlug: team.slug, workflowId: id };
}
