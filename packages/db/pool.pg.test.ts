import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { testDatabase } from './testing.ts';

async function pidOf(db: Parameters<ReturnType<typeof sql>['execute']>[0]): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}

test('a connection that breaks between two statements of a transaction fails the transaction, not the process', async () => {
  await using stored = await testDatabase();
  const database = openDatabase(stored.url, { max: 2 });
  const broken = database.db.transaction().execute(async (tx) => {
    const pid = await pidOf(tx);
    await sql`select pg_terminate_backend(${pid})`.execute(database.db);
    await sleep(200);
    await sql`select 1`.execute(tx);
  });
  await expect(broken).rejects.toThrow();
  const { rows } = await sql<{ one: number }>`select 1 as one`.execute(database.db);
  expect(rows).toEqual([{ one: 1 }]);
  await database.close();
});

test('connections that are ended from the other side after closing are nobody’s error', async () => {
  await using stored = await testDatabase();
  const errors: Error[] = [];
  const database = openDatabase(stored.url, { onError: (error) => errors.push(error) });
  await Promise.all(Array.from({ length: 5 }, () => sql`select pg_sleep(0.05)`.execute(database.db)));
  await database.close();
  await stored[Symbol.asyncDispose]();
  await sleep(100);
  expect(errors).toEqual([]);
});
