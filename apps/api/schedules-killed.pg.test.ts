import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { expect, test } from 'vitest';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

test('while workers are killed again and again, a schedule has one execution for each second, and misses none', async () => {
  await using stored = await testDatabase();
  await using data = dataDirectory();
  const port = await freePort();
  const settings = {
    API_PORT: String(port),
    DATA_DIR: data.path,
    DATABASE_URL: stored.url,
    SECRET_KEY: 'a secret key of the tests, long enough',
  };
  const living = new Set<Instance>();
  const started = (ROLE: string) => {
    const instance = startInstance({ ...settings, ROLE });
    living.add(instance);
    return instance;
  };
  const kill = async (instance: Instance) => {
    instance.child.kill('SIGKILL');
    await instance.ended;
    living.delete(instance);
  };
  const { pool, close } = openDatabase(stored.url, { max: 2 });
  try {
    const api = started('api');
    await api.ready();
    const signedIn = await send(`${api.url}/api/v1/auth/login`, { body: owner });
    const headers = { authorization: `Bearer ${Reflect.get(Object(signedIn.json), 'accessToken')}` };
    const definition = {
      nodes: [{ id: 'a', type: 'transform', params: { value: 1 } }],
      triggers: [{ id: 'tick', type: 'schedule', cron: '* * * * * *', overlap: 'queue', catchUp: 'all' }],
    };
    const made = await send(`${api.url}/api/v1/workflows`, { headers, body: { name: 'Ticks', definition } });
    const id = Reflect.get(Object(made.json), 'id');
    await send(`${api.url}/api/v1/workflows/${id}/publish`, { headers, body: {} });

    const slots = async (): Promise<number[]> => {
      const { rows } = await pool.query<{ at: string }>(
        `select input->>'scheduledAt' as at from executions where trigger = 'schedule:tick' order by id`,
      );
      return rows.map(({ at }) => Date.parse(at) / 1_000);
    };
    let workers = [started('worker'), started('worker')];
    for (const lifetime of [900, 350, 700]) {
      const before = (await slots()).length;
      await expect.poll(async () => (await slots()).length, { timeout: 20_000 }).toBeGreaterThan(before);
      // So that they die at different moments between two fires.
      await sleep(lifetime);
      await Promise.all(workers.map(kill));
      workers = [started('worker'), started('worker')];
    }
    const now = Math.floor(Date.now() / 1_000);
    await expect.poll(async () => (await slots()).at(-1), { timeout: 40_000, interval: 200 }).toBeGreaterThan(now);
    const seen = await slots();
    const [first = 0] = seen;
    expect(seen).toEqual(seen.map((_, index) => first + index));
  } finally {
    await Promise.all([...living].map(kill));
    await close();
  }
}, 120_000);
