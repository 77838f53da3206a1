import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@flowplane/client';
import { testDatabase } from '@flowplane/db/testing';
import { spawnRedis, testRedis } from '@flowplane/engine/testing/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const redis = await testRedis();
const dataDir = dataDirectory();
let stored: Awaited<ReturnType<typeof testDatabase>>;
/** A Redis of this file alone, which may hang and be killed. */
let ours: ChildProcess;
let one: Instance;
let two: Instance;

async function start(url: string): Promise<Instance> {
  const instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: dataDir.path,
    DATABASE_URL: stored.url,
    REDIS_URL: url,
    RATE_LIMIT_PER_MINUTE: '30',
    PUBLIC_URL: 'http://flowplane.test',
    TRUSTED_PROXIES: '127.0.0.0/8,::1',
  });
  await instance.ready();
  return instance;
}

beforeAll(async () => {
  if (!redis) return;
  stored = await testDatabase();
  const spawned = await spawnRedis();
  if (!spawned) throw new Error('There is no redis-server on the PATH, and this test stops and kills one');
  ours = spawned.child;
  one = await start(`redis://127.0.0.1:${spawned.port}`);
  two = await start(`redis://127.0.0.1:${spawned.port}`);
});
afterAll(async () => {
  ours?.kill('SIGKILL');
  for (const instance of [one, two]) {
    instance?.child.kill('SIGKILL');
    await instance?.ended;
  }
  await dataDir[Symbol.asyncDispose]();
  await stored?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
});

/** The status of a request without signing in, from an address. */
async function ask({ url }: Instance, address: string): Promise<number> {
  return (await send(`${url}/api/v1/users/me`, { headers: { 'x-forwarded-for': address } })).status;
}

/** How many of so many requests at once are not past the limit. */
async function allowed(instance: Instance, address: string, times: number): Promise<number> {
  const statuses = await Promise.all(Array.from({ length: times }, () => ask(instance, address)));
  return statuses.filter((status) => status === 401).length;
}

async function guess({ url }: Instance, email: string, address: string): Promise<number> {
  const headers = { 'x-forwarded-for': address };
  return (await send(`${url}/api/v1/auth/login`, { body: { email, password: 'a wrong password' }, headers })).status;
}

/** Signs in at one instance, ends that and an API key there, and sees that both are over at the other within a second. */
async function expectRevocation(here: Instance, there: Instance): Promise<void> {
  const { accessToken } = await createClient({ url: here.url }).auth.login(owner);
  const client = createClient({ url: here.url, token: accessToken });
  const { id, key } = await client.auth.apiKeys.create({ name: 'key' });
  const status = async (headers: Record<string, string>) =>
    (await send(`${there.url}/api/v1/users/me`, { headers })).status;
  const credentials: Record<string, string>[] = [{ 'x-api-key': key }, { authorization: `Bearer ${accessToken}` }];
  for (const headers of credentials) expect(await status(headers)).toBe(200);
  await client.auth.apiKeys.revoke({ id });
  await client.auth.logout();
  for (const headers of credentials) {
    // A second, and the time that asking takes.
    await expect.poll(() => status(headers), { timeout: 2_000, interval: 50 }).toBe(401);
  }
}

test.skipIf(!redis)('threat 34: two instances on one Redis agree on the limits within a second', async () => {
  const address = '198.51.100.1';
  expect(await allowed(one, address, 20)).toBe(20);
  await sleep(500);
  expect(await ask(two, address)).toBe(401);
  await sleep(1_000);
  expect(await allowed(two, address, 30)).toBe(9);
  await sleep(500);
  // Told that the limit is used up by the exchange that this call makes.
  await ask(one, address);
  await sleep(500);
  expect(await allowed(one, address, 30)).toBe(0);
});

test.skipIf(!redis)('threat 35: two instances on one Redis count the guesses at a password together', async () => {
  const email = 'guessed-on-both@example.com';
  const statuses: number[] = [];
  for (let i = 0; i < 6; i += 1) statuses.push(await guess(i % 2 ? two : one, email, `198.51.100.${10 + i}`));
  expect(statuses).toEqual(Array(6).fill(401));
  expect(await guess(one, email, '198.51.100.20')).toBe(429);
  expect(await guess(two, email, '198.51.100.21')).toBe(429);
});

test.skipIf(!redis)('threats 28 and 33: what is revoked at one instance is refused at the other within a second', () =>
  expectRevocation(one, two),
);

test.skipIf(!redis)(
  'threat 34: while Redis hangs, and when it is gone, people sign in, limits hold for each process, and what is revoked is refused',
  async () => {
    const phases: [string, NodeJS.Signals, number][] = [
      ['hangs', 'SIGSTOP', 30],
      ['is gone', 'SIGKILL', 60],
    ];
    for (const [what, signal, first] of phases) {
      ours.kill(signal);
      expect((await send(`${one.url}/api/v1/auth/login`, { body: owner })).status, what).toBe(200);
      const address = `198.51.100.${first}`;
      expect(await allowed(one, address, 40), what).toBe(30);
      expect(await allowed(two, address, 40), what).toBe(30);
      const email = `guessed-while-redis-${signal}@example.com`;
      const guesses: number[] = [];
      for (let i = 0; i < 7; i += 1) guesses.push(await guess(two, email, `198.51.100.${first + 1 + i}`));
      expect(guesses, what).toEqual([...Array(6).fill(401), 429]);
      await expectRevocation(one, two);
    }
  },
  60_000,
);
