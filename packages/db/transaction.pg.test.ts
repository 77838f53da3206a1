import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { testDatabase } from './testing.ts';
import { afterCommit, inTransaction } from './transaction.ts';

let stored: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
beforeAll(async () => {
  stored = await testDatabase();
  database = openDatabase(stored.url);
  await sql`create table notes (text text not null)`.execute(database.db);
});
afterAll(async () => {
  await database.close();
  await stored[Symbol.asyncDispose]();
});

async function notes(): Promise<unknown[]> {
  return (await sql`select text from notes order by text`.execute(database.db)).rows;
}

test('what comes after the commit finds what was written, also when it was said within another one’s transaction', async () => {
  const seen: unknown[] = [];
  const answer = await inTransaction(database.db, async (outer) => {
    await inTransaction(outer, async (tx) => {
      await sql`insert into notes values ('kept')`.execute(tx);
      await afterCommit(tx, async () => seen.push(await notes()));
    });
    seen.push(await notes());
    return 'done';
  });
  expect(answer).toBe('done');
  expect(seen).toEqual([[], [{ text: 'kept' }]]);
});

test('nothing comes after a transaction that was rolled back', async () => {
  const seen: string[] = [];
  const failing = inTransaction(database.db, async (tx) => {
    await afterCommit(tx, () => seen.push('after'));
    await sql`insert into notes values (null)`.execute(tx);
  });
  await expect(failing).rejects.toThrow('not-null');
  expect(seen).toEqual([]);
});

test('without a transaction it comes at once', () => {
  const seen: string[] = [];
  void afterCommit(database.db, () => seen.push('at once'));
  expect(seen).toEqual(['at once']);
});
