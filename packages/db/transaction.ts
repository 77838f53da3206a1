import type { Db } from './database.ts';

/** Runs `work` in a transaction: the one that `db` already is, or else a new one. */
export function inTransaction<Result>(db: Db, work: (tx: Db) => Promise<Result>): Promise<Result> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}
