import { Refusal } from '@flowplane/contract/errors';
import type { Permission, Role } from '@flowplane/contract/permissions';
import { everybodys, givenRoles } from '@flowplane/contract/role';
import type { Db } from '@flowplane/db/database';
import { permissionsOf, permissionsWithin } from '../auth/role-permissions.ts';
import type { Principal } from '../context.ts';

/** How memberships and invitations refer to a role: a built-in one by its name, one of the team's own by its id. */
export type RoleRef = { role: Role | null; role_id: string | null };

const everybody: ReadonlySet<Permission> = new Set(everybodys);

/** Those of some permissions that the caller does not have. */
export function beyond({ permissions }: Principal, wanted: Iterable<Permission>): Permission[] {
  return [...wanted].filter((permission) => !permissions.has(permission) && !everybody.has(permission));
}

/**
 * Lets nobody give, take or change more than they may do themselves: else who manages members could make themselves, or a second
 * account, an admin.
 *
 * @param what somebody may do who has these permissions, e.g. `The role deployer`.
 * @throws Refusal `forbidden`.
 */
export function requireWithinOwn(principal: Principal, wanted: Iterable<Permission>, what: string): void {
  const [first, ...others] = beyond(principal, wanted);
  if (first === undefined) return;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  throw new Refusal('forbidden', `${what} has permissions that you do not have: ${first}${more}.`);
}

/** A role of the team by its name: what refers to it, and what it lets one do. */
export async function findRole(
  db: Db,
  teamId: string,
  name: string,
): Promise<{ ref: RoleRef; permissions: ReadonlySet<Permission> } | undefined> {
  const builtIn = givenRoles.find((given) => given === name);
  if (builtIn) return { ref: { role: builtIn, role_id: null }, permissions: permissionsOf(builtIn) };
  const row = await db
    .selectFrom('team_roles')
    .select(['id', 'permissions'])
    .where('team_id', '=', teamId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row && { ref: { role: null, role_id: row.id }, permissions: permissionsWithin(row.permissions) };
}

/**
 * A role that the caller gives to somebody in the team.
 *
 * @throws Refusal `invalid_input` when there is none of this name, `forbidden` when it may do more than the caller.
 */
export async function grantedRole(db: Db, principal: Principal, name: string): Promise<RoleRef> {
  const found = await findRole(db, principal.teamId, name);
  if (!found) {
    const message = `the team has no role ${name}`;
    throw new Refusal('invalid_input', `role: ${message}.`, [{ path: 'role', message }]);
  }
  requireWithinOwn(principal, found.permissions, `The role ${name}`);
  return found.ref;
}
