import { setTimeout as sleep } from 'node:timers/promises';
import { administer, testDatabase } from '@flowplane/db/testing';
import { expect, inject, test } from 'vitest';
import { createDispatch, type Dispatch } from './dispatch.ts';
import { exchange } from './testing-dispatch.ts';
import { eventually } from './testing-engine.ts';
import { proxyDatabase } from './testing-proxy.ts';

const many = Array.from({ length: 1_000 }, (_, index) => `busy ${index}`);

/** A dispatch that takes messages, what it has seen, and how many errors it was told. */
async function taking(url: string) {
  const told = { seen: [] as string[], errors: 0 };
  const dispatch = await createDispatch({
    store: { postgres: url },
    onError: () => {
      told.errors += 1;
    },
  });
  dispatch.consume(async (id) => {
    await sleep(5);
    told.seen.push(id);
  }, 4);
  return { dispatch, told };
}

async function arrives(dispatch: Dispatch, seen: string[]): Promise<void> {
  const sent = () =>
    dispatch.send(['after']).then(
      () => true,
      () => false,
    );
  await eventually(sent, 5_000);
  await eventually(() => seen.includes('after'), 15_000);
}

test('what one process sends, another looks at, so many at once; what failed there is not kept', async () => {
  await using database = await testDatabase();
  const open = () => createDispatch({ store: { postgres: database.url }, onError: () => {} });
  await exchange(await open(), await open());
});

test('while PostgreSQL is away the worker does not spin, check says so, and work goes on soon afterwards', async () => {
  await using database = await testDatabase();
  const { proxy, url } = await proxyDatabase(database.url);
  await using _proxy = proxy;
  const { dispatch, told } = await taking(url);
  await dispatch.send(['before']);
  await eventually(() => told.seen.includes('before'));
  told.errors = 0;
  proxy.cut();
  await sleep(3_000);
  expect(told.errors).toBeLessThan(20);
  await expect(dispatch.check()).rejects.toThrow();
  await proxy.mend();
  await arrives(dispatch, told.seen);
  await dispatch.close();
}, 40_000);

test('a busy worker does not spin either while PostgreSQL refuses it, as when it is starting up or full', async () => {
  await using database = await testDatabase();
  const name = new URL(database.url).pathname.slice(1);
  const { dispatch, told } = await taking(database.url);
  await dispatch.send(many);
  await eventually(() => told.seen.length > 10);
  told.errors = 0;
  await administer(inject('adminUrl'), `alter database ${name} allow_connections false`);
  await administer(
    inject('adminUrl'),
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  );
  await sleep(3_000);
  // Without a rest after each error there are more than a thousand.
  expect(told.errors).toBeGreaterThan(0);
  expect(told.errors).toBeLessThan(40);
  await administer(inject('adminUrl'), `alter database ${name} allow_connections true`);
  await arrives(dispatch, told.seen);
  await dispatch.close();
}, 40_000);

test('closing does not wait for a worker at rest', async () => {
  await using database = await testDatabase();
  const { proxy, url } = await proxyDatabase(database.url);
  await using _proxy = proxy;
  const { dispatch } = await taking(url);
  await dispatch.send(many);
  proxy.cut();
  await sleep(300);
  const at = performance.now();
  await dispatch.close();
  expect(performance.now() - at).toBeLessThan(6_000);
});
