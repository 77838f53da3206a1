import { Refusal } from '@flowplane/contract/errors';
import type { memberRemoveInput } from '@flowplane/contract/team';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { createPersonalTeam } from '../auth/personal-team.ts';
import { roleColumns, roleOf } from '../auth/role-permissions.ts';
import type { Principal } from '../context.ts';
import { forgetPrincipals } from './forget.ts';
import { requireWithinOwn } from './grants.ts';
import { lockTeam, lockUsers, requireAnotherAdmin } from './lock.ts';

export function noMember(userId: string): Refusal {
  return new Refusal('not_found', `The team has no member ${userId}.`);
}

/** What a member is in the team. @throws Refusal `not_found`. */
export async function requireMember(tx: Db, teamId: string, userId: string) {
  const row = await tx
    .selectFrom('memberships as m')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(roleColumns)
    .where('m.team_id', '=', teamId)
    .where('m.user_id', '=', userId)
    .executeTakeFirst();
  if (!row) throw noMember(userId);
  return roleOf(row);
}

/** Makes the invitations worthless that a member has sent: what they may give has changed. */
export async function dropInvitationsOf(tx: Db, teamId: string, userId: string): Promise<void> {
  await tx.deleteFrom('team_invitations').where('team_id', '=', teamId).where('invited_by', '=', userId).execute();
}

/**
 * Moves sessions out of a team that their users are no longer in: each to the team that the user joined first. Their access tokens
 * name the team that they were made for, and are worthless; their refresh tokens buy new ones.
 */
export async function moveSessions(tx: Db, { teamId, userId }: { teamId: string; userId?: string }): Promise<void> {
  const fallback = sql<string>`(
    select m.team_id from memberships m where m.user_id = sessions.user_id order by m.created_at, m.team_id limit 1)`;
  await tx
    .updateTable('sessions')
    .set({ team_id: fallback })
    .where('team_id', '=', teamId)
    .$if(userId !== undefined, (query) => query.where('user_id', '=', userId ?? ''))
    .execute();
}

/** Gives those of some locked users a team of their own who are in none, so that everybody can sign in. */
export async function giveTeams(tx: Db, users: { id: string; name: string }[]): Promise<void> {
  for (const { id, name } of users) {
    const some = await tx.selectFrom('memberships').select('team_id').where('user_id', '=', id).executeTakeFirst();
    if (!some) await createPersonalTeam(tx, { userId: id, name });
  }
}

/** Ends a membership with all that hangs on it. The team must be locked. */
async function endMembership(tx: Db, teamId: string, userId: string): Promise<void> {
  const users = await lockUsers(tx, [userId]);
  await tx.deleteFrom('memberships').where('team_id', '=', teamId).where('user_id', '=', userId).execute();
  // For ever: they are not to come back to life with somebody who is invited again.
  await tx
    .updateTable('api_keys')
    .set({ revoked_at: sql<Date>`now()` })
    .where('team_id', '=', teamId)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .execute();
  await dropInvitationsOf(tx, teamId, userId);
  await giveTeams(tx, users);
  await moveSessions(tx, { teamId, userId });
}

async function depart(auth: Auth, principal: Principal, userId: string): Promise<void> {
  const { teamId } = principal;
  await inTransaction(auth.database.db, async (tx) => {
    await lockTeam(tx, { id: teamId });
    const { role, permissions } = await requireMember(tx, teamId, userId);
    if (userId !== principal.userId) requireWithinOwn(principal, permissions, 'This member');
    if (role === 'admin') await requireAnotherAdmin(tx, teamId, userId);
    await endMembership(tx, teamId, userId);
  });
  await forgetPrincipals(auth);
}

/**
 * Removes a member: their API keys of the team are revoked, their sessions go on in another team of theirs, in a new one if there
 * is none.
 *
 * @throws Refusal `not_found`, `last_admin`, and `forbidden` for who may do more than the caller.
 */
export function removeMember(
  auth: Auth,
  principal: Principal,
  { userId }: z.output<typeof memberRemoveInput>,
): Promise<void> {
  return depart(auth, principal, userId);
}

/**
 * Takes the caller out of the team, as if they were removed.
 *
 * @throws Refusal `last_admin`, and `forbidden` for an API key.
 */
export async function leaveTeam(auth: Auth, principal: Principal): Promise<void> {
  if (principal.kind === 'apiKey')
    throw new Refusal('forbidden', 'An API key cannot leave its team: sign in to do so.');
  await depart(auth, principal, principal.userId);
}
