import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import type { Db } from '@flowplane/db/database';

/**
 * Lets a team have one credential more. Those who make credentials of one team at once do it one after the other.
 *
 * @throws Refusal `quota_reached`.
 */
export async function requireRoom(tx: Db, teamId: string): Promise<void> {
  await tx.selectFrom('teams').select('id').where('id', '=', teamId).forNoKeyUpdate().execute();
  const { held } = await tx
    .selectFrom('credentials')
    .select(({ fn }) => fn.countAll<string>().as('held'))
    .where('team_id', '=', teamId)
    .executeTakeFirstOrThrow();
  if (Number(held) < limits.credentials) return;
  throw new Refusal('quota_reached', `The team has ${held} credentials, as many as there may be: delete some first.`);
}
