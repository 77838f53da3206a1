import { isPermission, type Permission, type Role, roles } from '@flowplane/contract/permissions';

const sets: Record<Role, ReadonlySet<Permission>> = {
  admin: new Set(roles.admin),
  user: new Set(roles.user),
  agent: new Set(roles.agent),
  readonly: new Set(roles.readonly),
};

/** The permissions of a role: one set, shared by all who have it, because every request needs it. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return sets[role];
}

/** Those of some scopes that are permissions and among `allowed`. */
export function scopesWithin(scopes: readonly string[], allowed: ReadonlySet<Permission>): Permission[] {
  return scopes.filter(isPermission).filter((scope) => allowed.has(scope));
}
