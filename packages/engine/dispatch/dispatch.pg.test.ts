import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@flowplane/db/id';
import { administer, testDatabase } from '@flowplane/db/testing';
import { expect, inject, test } from 'vitest';
import { bullmqCarrier } from '../testing/bullmq.ts';
import type { Carrier } from '../testing/carrier.ts';
import { dispatchContract } from '../testing/dispatch-contract.ts';
import { eventually } from '../testing/engine.ts';
import { proxyDatabase } from '../testing/proxy.ts';
import { createDispatch } from './dispatch.ts';
import { postgresStore } from './postgres.ts';

async function postgresCarrier(): Promise<Carrier> {
  const database = await testDatabase();
  const { proxy, url } = await proxyDatabase(database.url);
  return bullmqCarrier({
    store: { postgres: url },
    inspector: await postgresStore(database.url, () => {}),
    proxy,
    dispose: () => database[Symbol.asyncDispose](),
  });
}

dispatchContract(postgresCarrier, { startsAlone: false });

test('a busy worker does not spin either while PostgreSQL refuses it, as when it is starting up or full', async () => {
  await using database = await testDatabase();
  const name = new URL(database.url).pathname.slice(1);
  let errors = 0;
  const dispatch = await createDispatch({
    store: { postgres: database.url },
    onError: () => {
      errors += 1;
    },
  });
  const seen: string[] = [];
  dispatch.consume(async (id) => {
    await sleep(5);
    seen.push(id);
  }, 4);
  await dispatch.send(Array.from({ length: 1_000 }, () => newId()));
  await eventually(() => seen.length > 10);
  errors = 0;
  await administer(inject('adminUrl'), `alter database ${name} allow_connections false`);
  await administer(
    inject('adminUrl'),
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  );
  await sleep(3_000);
  // Without a rest after each error there are more than a thousand.
  expect(errors).toBeGreaterThan(0);
  expect(errors).toBeLessThan(40);
  await administer(inject('adminUrl'), `alter database ${name} allow_connections true`);
  const after = newId();
  await eventually(
    () =>
      dispatch.send([after]).then(
        () => true,
        () => false,
      ),
    5_000,
  );
  await eventually(() => seen.includes(after), 15_000);
  await dispatch.close();
}, 40_000);
