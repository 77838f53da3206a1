import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/**
 * Takes a guest's being one away, within the transaction that makes something else of them: of several at once, one gets here.
 *
 * @returns the guest's team.
 * @throws Refusal `conflict` when they are no guest any more.
 */
export async function endGuest(tx: Db, userId: string): Promise<string> {
  const ended = await tx
    .deleteFrom('guests')
    .where('user_id', '=', userId)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('team_id')
    .executeTakeFirst();
  if (ended) return ended.team_id;
  throw new Refusal(
    'conflict',
    'This guest has become an account or was merged into one already, or has expired: sign in.',
  );
}
