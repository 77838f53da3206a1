import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { noCredential } from './credentials.ts';

/**
 * Reads a credential for a change of it, which then waits for no other.
 *
 * @throws Refusal `not_found`, and `precondition_failed` when the change is based on another revision.
 */
export async function lockCredential(
  tx: Db,
  teamId: string,
  { id, revision }: { id: string; revision?: number | undefined },
) {
  const row = await tx
    .selectFrom('credentials')
    .selectAll()
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw noCredential(id);
  if (revision !== undefined && revision !== row.revision) {
    throw new Refusal(
      'precondition_failed',
      `The credential is at revision ${row.revision}, not ${revision}: get it again.`,
    );
  }
  return row;
}
