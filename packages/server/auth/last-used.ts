import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/** How coarse the time of the last use is: a busy key costs one write in this time. */
const everyMs = 60_000;

/** Whether a use is worth writing down. */
function isStale(lastUsedAt: Date | null): boolean {
  return lastUsedAt === null || Date.now() - lastUsedAt.getTime() > everyMs;
}

/**
 * Notes that a session, an API key or an identity is in use, at most once a minute across all processes. Nobody waits for it, and when the
 * database is away the next use notes it.
 *
 * @param row its id and when it was noted last.
 */
export function noteUse(
  db: Db,
  table: 'sessions' | 'api_keys' | 'identities',
  row: { id: string; lastUsedAt: Date | null },
): void {
  if (!isStale(row.lastUsedAt)) return;
  const minuteAgo = sql<Date>`now() - interval '1 minute'`;
  db.updateTable(table)
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', row.id)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', minuteAgo)]))
    .execute()
    .catch(() => {});
}
