import type { Db } from './database.ts';

type Work = () => unknown;

const afterwards = new WeakMap<Db, Work[]>();

/** Runs `work` in a transaction: the one that `db` already is, or else a new one. */
export async function inTransaction<Result>(db: Db, work: (tx: Db) => Promise<Result>): Promise<Result> {
  if (db.isTransaction) return work(db);
  const later: Work[] = [];
  const result = await db.transaction().execute((tx) => {
    afterwards.set(tx, later);
    return work(tx);
  });
  for (const one of later) await one();
  return result;
}

/**
 * Runs `work` when the transaction of {@link inTransaction} that `db` is has been committed, and not at all when it is rolled back; at
 * once when `db` is none. For what a process remembers of the database: who asks before the commit still finds what was.
 */
export async function afterCommit(db: Db, work: Work): Promise<void> {
  const later = afterwards.get(db);
  if (later) later.push(work);
  else await work();
}
