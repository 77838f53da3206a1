import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { noWorkflow } from './workflows.ts';

/**
 * Reads a workflow for a change of it, which then waits for no other.
 *
 * @throws Refusal `not_found`, and `precondition_failed` when the change is based on another revision.
 */
export async function lockWorkflow(
  tx: Db,
  teamId: string,
  { id, revision }: { id: string; revision?: number | undefined },
) {
  const row = await tx
    .selectFrom('workflows')
    .selectAll()
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  if (revision !== undefined && revision !== row.revision) {
    throw new Refusal(
      'precondition_failed',
      `The workflow is at revision ${row.revision}, not ${revision}: get it again.`,
    );
  }
  return row;
}
