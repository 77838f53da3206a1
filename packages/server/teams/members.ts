import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Member, memberListInput, memberUpdateInput, teamTransferInput } from '@flowplane/contract/team';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { roleColumns, roleOf } from '../auth/role-permissions.ts';
import type { Principal } from '../context.ts';
import { dropInvitationsOf, noMember, requireMember } from './departure.ts';
import { forgetPrincipals } from './forget.ts';
import { grantedRole, type RoleRef, requireWithinOwn } from './grants.ts';
import { lockTeam, requireAnotherAdmin } from './lock.ts';

function membersOf(db: Db, teamId: string) {
  return db
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['u.id', 'u.name', 'u.email', 'm.created_at'])
    .select(roleColumns)
    .where('m.team_id', '=', teamId);
}

type Row = Awaited<ReturnType<ReturnType<typeof membersOf>['executeTakeFirstOrThrow']>>;

function memberOf(row: Row): Member {
  return { userId: row.id, name: row.name, email: row.email, role: roleOf(row).role, joinedAt: row.created_at };
}

/** A page of the team's members, the newest accounts first. */
export async function listMembers(
  db: Db,
  { teamId }: Principal,
  { limit, cursor }: z.output<typeof memberListInput>,
): Promise<{ items: Member[]; nextCursor: string | null }> {
  let query = membersOf(db, teamId)
    .orderBy('m.user_id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('m.user_id', '<', idOfCursor(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map(memberOf);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.userId) : null };
}

async function setRole(tx: Db, member: { teamId: string; userId: string }, ref: RoleRef): Promise<void> {
  const { teamId, userId } = member;
  await tx.updateTable('memberships').set(ref).where('team_id', '=', teamId).where('user_id', '=', userId).execute();
  await dropInvitationsOf(tx, teamId, userId);
}

/**
 * Gives a member another role. Neither what they have nor what they get may be more than the caller has.
 *
 * @throws Refusal `not_found`, `invalid_input` for a role that does not exist, `forbidden`, `last_admin`.
 */
export async function changeRole(
  auth: Auth,
  principal: Principal,
  { userId, role }: z.output<typeof memberUpdateInput>,
): Promise<Member> {
  const { teamId } = principal;
  const changed = await inTransaction(auth.database.db, async (tx) => {
    await lockTeam(tx, { id: teamId });
    const before = await requireMember(tx, teamId, userId);
    const ref = await grantedRole(tx, principal, role);
    if (role !== before.role) {
      if (userId !== principal.userId) requireWithinOwn(principal, before.permissions, 'This member');
      if (before.role === 'admin') await requireAnotherAdmin(tx, teamId, userId);
      await setRole(tx, { teamId, userId }, ref);
    }
    return membersOf(tx, teamId).where('m.user_id', '=', userId).executeTakeFirstOrThrow();
  });
  await forgetPrincipals(auth);
  return memberOf(changed);
}

/**
 * Makes another member an admin and the caller something else, in one step: the team is not without an admin in between.
 *
 * @returns the new admin.
 * @throws Refusal `not_found`, `invalid_input`, and `forbidden` to whoever is no admin, or an API key.
 */
export async function transferTeam(
  auth: Auth,
  principal: Principal,
  { userId, role }: z.output<typeof teamTransferInput>,
): Promise<Member> {
  const { teamId, kind } = principal;
  if (kind === 'apiKey') throw new Refusal('forbidden', 'An API key cannot hand the team on: sign in to do so.');
  if (userId === principal.userId) throw noMember(userId);
  const changed = await inTransaction(auth.database.db, async (tx) => {
    await lockTeam(tx, { id: teamId });
    await requireMember(tx, teamId, userId);
    const own = await requireMember(tx, teamId, principal.userId);
    if (own.role !== 'admin') throw new Refusal('forbidden', 'Only an admin hands the team on.');
    const ref = await grantedRole(tx, principal, role);
    await setRole(tx, { teamId, userId }, { role: 'admin', role_id: null });
    await setRole(tx, { teamId, userId: principal.userId }, ref);
    return membersOf(tx, teamId).where('m.user_id', '=', userId).executeTakeFirstOrThrow();
  });
  await forgetPrincipals(auth);
  return memberOf(changed);
}
