import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { createPoll, type Poll } from '../poll.ts';

/** Events deleted in one statement. */
const most = 1_000;

/** Looks (a second each) between two looks for old events. */
const pruneEvery = 60;

/** Deletes the oldest events of those that are older than `days`, which the database allows from 30 on. @returns how many. */
export async function pruneAudit(db: Db, { days, most }: { days: number; most: number }): Promise<number> {
  const old = db
    .selectFrom('audit_events')
    .select(sql`ctid`.as('ctid'))
    .where('created_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .orderBy('created_at')
    .limit(most)
    .forUpdate()
    .skipLocked();
  const { numDeletedRows } = await db.deleteFrom('audit_events').where(sql`ctid`, 'in', old).executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/**
 * Deletes events of the audit log that are older than they are kept. Between two batches it rests for as long as the last one took.
 *
 * @param options.days that events are kept, 30 at least.
 */
export function createAuditRetention(options: {
  db: Db;
  days: number;
  onError: (error: unknown, where: string) => void;
}): Poll {
  const { db, days } = options;
  let looks = 0;
  return createPoll({
    async look() {
      if (looks++ % pruneEvery !== 0) return Number.POSITIVE_INFINITY;
      const since = performance.now();
      if ((await pruneAudit(db, { days, most })) < most) return Number.POSITIVE_INFINITY;
      looks = 0;
      return performance.now() - since;
    },
    onError: (error) => options.onError(error, 'retention of the audit log'),
  });
}
