import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import { isPermission, roles } from '@flowplane/contract/permissions';
import {
  givenRoles,
  type roleCreateInput,
  type roleDeleteInput,
  roleDescriptions,
  type roleUpdateInput,
  type TeamRole,
} from '@flowplane/contract/role';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { TeamRolesTable } from '@flowplane/db/tables/teams';
import { inTransaction } from '@flowplane/db/transaction';
import { type Selectable, sql } from 'kysely';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { permissionsWithin } from '../auth/role-permissions.ts';
import type { Principal } from '../context.ts';
import { forgetPrincipals } from './forget.ts';
import { requireWithinOwn } from './grants.ts';
import { lockTeam } from './lock.ts';

type Row = Selectable<TeamRolesTable>;

function teamRoleOf({ team_id: teamId, name, description, permissions, revision }: Row): TeamRole {
  return { teamId, name, description, permissions: permissions.filter(isPermission), builtIn: false, revision };
}

function builtInRoles(teamId: string): TeamRole[] {
  return givenRoles.map((name) => {
    const permissions = [...roles[name]];
    return { teamId, name, description: roleDescriptions[name], permissions, builtIn: true, revision: 1 };
  });
}

function noRole(name: string): Refusal {
  return new Refusal('not_found', `The team has no role ${name}.`);
}

function notChangeable(name: string): Refusal {
  return new Refusal('forbidden', `${name} is a built-in role, which nobody can change: create one of your own.`);
}

/** The built-in roles, then those that the team has defined, by their names. */
export async function listRoles(db: Db, teamId: string): Promise<{ items: TeamRole[] }> {
  const rows = await db
    .selectFrom('team_roles')
    .selectAll()
    .where('team_id', '=', teamId)
    .orderBy(sql`name collate "C"`)
    .execute();
  return { items: [...builtInRoles(teamId), ...rows.map(teamRoleOf)] };
}

/** @throws Refusal `not_found`. */
export async function getRole(db: Db, teamId: string, name: string): Promise<TeamRole> {
  const found = (await listRoles(db, teamId)).items.find((role) => role.name === name);
  if (!found) throw noRole(name);
  return found;
}

/** @throws Refusal `conflict`. */
async function requireFreeName(tx: Db, teamId: string, name: string): Promise<void> {
  const taken = await tx
    .selectFrom('team_roles')
    .select('id')
    .where('team_id', '=', teamId)
    .where('name', '=', name)
    .executeTakeFirst();
  if (taken) throw new Refusal('conflict', `The team has a role ${name} already: choose another name, or change that.`);
}

/**
 * Defines a role of the team, which may do no more than the caller.
 *
 * @throws Refusal `conflict`, `forbidden`, `quota_reached`.
 */
export async function createRole(
  db: Db,
  principal: Principal,
  { name, description, permissions }: z.output<typeof roleCreateInput>,
): Promise<TeamRole> {
  const { teamId } = principal;
  requireWithinOwn(principal, permissions, 'This role');
  return inTransaction(db, async (tx) => {
    await lockTeam(tx, { id: teamId });
    await requireFreeName(tx, teamId, name);
    const { items } = await listRoles(tx, teamId);
    if (items.filter(({ builtIn }) => !builtIn).length >= limits.teamRoles) {
      throw new Refusal('quota_reached', `A team has ${limits.teamRoles} roles of its own at most: delete one first.`);
    }
    const row = await tx
      .insertInto('team_roles')
      .values({ id: newId(), team_id: teamId, name, description, permissions })
      .returningAll()
      .executeTakeFirstOrThrow();
    return teamRoleOf(row);
  });
}

/** Reads a role of the team's own for a change of it. @throws Refusal `not_found`, `precondition_failed`, `forbidden`. */
async function lockRole(
  tx: Db,
  principal: Principal,
  { role, revision }: { role: string; revision?: number | undefined },
): Promise<Row> {
  const { teamId } = principal;
  if (givenRoles.some((builtIn) => builtIn === role)) throw notChangeable(role);
  await lockTeam(tx, { id: teamId });
  const row = await tx
    .selectFrom('team_roles')
    .selectAll()
    .where('team_id', '=', teamId)
    .where('name', '=', role)
    .executeTakeFirst();
  if (!row) throw noRole(role);
  if (revision !== undefined && revision !== row.revision) {
    throw new Refusal('precondition_failed', `The role is at revision ${row.revision}, not ${revision}: get it again.`);
  }
  requireWithinOwn(principal, permissionsWithin(row.permissions), `The role ${role}`);
  return row;
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}

/** Makes the invitations worthless that the holders of a role have sent: what they may give has changed. */
async function dropInvitationsOfHolders(tx: Db, { id, team_id: teamId }: Row): Promise<void> {
  await tx
    .deleteFrom('team_invitations')
    .where('team_id', '=', teamId)
    .where('invited_by', 'in', tx.selectFrom('memberships').select('user_id').where('role_id', '=', id))
    .execute();
}

/**
 * Changes what is given and raises the revision; a change that changes nothing does not. Who has the role may do what it says from
 * then on, within a second everywhere. Neither before nor after may it be more than the caller may.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `conflict` for a name that is taken, `forbidden`.
 */
export async function updateRole(
  auth: Auth,
  principal: Principal,
  input: z.output<typeof roleUpdateInput>,
): Promise<TeamRole> {
  const changed = await inTransaction(auth.database.db, async (tx) => {
    const row = await lockRole(tx, principal, input);
    const { name = row.name, description = row.description, permissions = row.permissions } = input;
    const stays = isSameSet(permissions, row.permissions);
    if (name === row.name && description === row.description && stays) return row;
    if (name !== row.name) await requireFreeName(tx, row.team_id, name);
    if (!stays) {
      requireWithinOwn(principal, permissionsWithin(permissions), 'This role');
      await dropInvitationsOfHolders(tx, row);
    }
    return tx
      .updateTable('team_roles')
      .set({ name, description, permissions, revision: row.revision + 1 })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  await forgetPrincipals(auth);
  return teamRoleOf(changed);
}

/**
 * Deletes a role of the team's own that nobody has, and nobody is invited to.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `forbidden`, `role_in_use`.
 */
export async function deleteRole(db: Db, principal: Principal, input: z.output<typeof roleDeleteInput>): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await lockRole(tx, principal, input);
    const now = sql<Date>`clock_timestamp()`;
    await tx.deleteFrom('team_invitations').where('role_id', '=', id).where('expires_at', '<=', now).execute();
    const held = (table: 'memberships' | 'team_invitations') =>
      tx.selectFrom(table).select('team_id').where('role_id', '=', id).limit(1).executeTakeFirst();
    if ((await held('memberships')) || (await held('team_invitations'))) {
      const message = `Members or open invitations have the role ${input.role}: give them another first, or revoke these.`;
      throw new Refusal('role_in_use', message);
    }
    await tx.deleteFrom('team_roles').where('id', '=', id).execute();
  });
}
