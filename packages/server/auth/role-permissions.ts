import { isPermission, type Permission, type Role, roles } from '@flowplane/contract/permissions';
import { everybodys } from '@flowplane/contract/role';
import { LRUCache } from 'lru-cache';

function withEverybodys(list: readonly Permission[]): ReadonlySet<Permission> {
  return new Set([...everybodys, ...list]);
}

const sets: Record<Role, ReadonlySet<Permission>> = {
  admin: withEverybodys(roles.admin),
  user: withEverybodys(roles.user),
  agent: withEverybodys(roles.agent),
  readonly: withEverybodys(roles.readonly),
  guest: new Set(roles.guest),
};

/** Of the roles that teams define: by what they let one do, not by whose they are. */
const ownSets = new LRUCache<string, ReadonlySet<Permission>>({ max: 1_000 });

/** What a membership `m` says about its role, with the team's own roles as `tr`. */
export const roleColumns = ['m.role', 'tr.name as role_name', 'tr.permissions as role_permissions'] as const;

export type RoleRow = { role: Role | null; role_name: string | null; role_permissions: string[] | null };

/** The permissions of a built-in role: one set, shared by all who have it, because every request needs it. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return sets[role];
}

/** The permissions of a role that a team has defined: one set for each combination. */
export function permissionsWithin(list: readonly string[]): ReadonlySet<Permission> {
  const key = list.join(' ');
  const known = ownSets.get(key);
  if (known) return known;
  const made = withEverybodys(list.filter(isPermission));
  ownSets.set(key, made);
  return made;
}

/** The name of a membership's role, and what it lets one do. */
export function roleOf(row: RoleRow): { role: string; permissions: ReadonlySet<Permission> } {
  if (row.role !== null) return { role: row.role, permissions: permissionsOf(row.role) };
  return { role: row.role_name ?? '', permissions: permissionsWithin(row.role_permissions ?? []) };
}

/** Those of some scopes that are permissions and among `allowed`. */
export function scopesWithin(scopes: readonly string[], allowed: ReadonlySet<Permission>): Permission[] {
  return scopes.filter(isPermission).filter((scope) => allowed.has(scope));
}
