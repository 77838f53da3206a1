import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { noTeam } from '../auth/chosen-team.ts';

/**
 * Reads a team for a change of it, of its members, roles or invitations: such changes take turns, other work in the team goes on.
 *
 * @throws Refusal `not_found`, and `precondition_failed` when the change is based on another revision.
 */
export async function lockTeam(tx: Db, { id, revision }: { id: string; revision?: number | undefined }) {
  const row = await tx.selectFrom('teams').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
  if (!row) throw noTeam(id);
  if (revision !== undefined && revision !== row.revision) {
    throw new Refusal('precondition_failed', `The team is at revision ${row.revision}, not ${revision}: get it again.`);
  }
  return row;
}

/** Lets only one change at a time which teams somebody is in. After `lockTeam`, as everybody does. */
export async function lockUsers(tx: Db, ids: string[]) {
  if (ids.length === 0) return [];
  return tx
    .selectFrom('users')
    .select(['id', 'name', 'email'])
    .where('id', 'in', ids)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
}

/**
 * Makes sure that somebody else is an admin too, before a member stops to be one. The team must be locked.
 *
 * @throws Refusal `last_admin`.
 */
export async function requireAnotherAdmin(tx: Db, teamId: string, userId: string): Promise<void> {
  const other = await tx
    .selectFrom('memberships')
    .select('user_id')
    .where('team_id', '=', teamId)
    .where('role', '=', 'admin')
    .where('user_id', '<>', userId)
    .limit(1)
    .executeTakeFirst();
  if (other) return;
  throw new Refusal(
    'last_admin',
    'This is the last admin of the team: make somebody else an admin first, or delete it.',
  );
}
