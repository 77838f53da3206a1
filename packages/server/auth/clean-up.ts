import type { Db } from '@flowplane/db/database';
import { type RawBuilder, sql } from 'kysely';

const batch = 1_000;

/** What is over, by its table and the moment at which it is. */
const leftovers: [table: string, end: RawBuilder<unknown>][] = [
  ['refresh_tokens', sql`expires_at`],
  ['one_time_tokens', sql`expires_at`],
  ['identity_flows', sql`expires_at`],
  ['sessions', sql`expires_at`],
  ['team_invitations', sql`expires_at`],
  ['signing_keys', sql`verifies_until`],
];

/**
 * Removes sessions, refresh tokens, one-time tokens, invitations and signing keys that are over. In batches, so that nobody waits long for it,
 * and without waiting for other processes that do the same.
 *
 * @param stopped asked between batches.
 * @returns how many rows went.
 */
export async function cleanUp(db: Db, stopped: () => boolean = () => false): Promise<number> {
  let total = 0;
  for (const [table, end] of leftovers) {
    for (let removed = batch; removed === batch && !stopped(); total += removed) {
      const name = sql.table(table);
      const result = await sql`
        delete from ${name} where ctid in (
          select ctid from ${name} where ${end} <= now() limit ${batch} for update skip locked)`.execute(db);
      removed = Number(result.numAffectedRows ?? 0n);
    }
  }
  return total;
}
