import { z } from 'zod';

/** Everything that a caller may be allowed to do. An API key's scopes are of these too. */
export const permissions = [
  'account:read',
  'account:write',
  'teams:read',
  'teams:write',
  'api-keys:read',
  'api-keys:write',
  'workflows:read',
  'workflows:write',
  'workflows:execute',
  'executions:read',
  'executions:write',
  'approvals:read',
  'approvals:write',
  'events:read',
  'events:write',
  'credentials:read',
  'credentials:write',
  'audit:read',
] as const;

export const permission = z.enum(permissions);
export type Permission = z.infer<typeof permission>;

/** What everybody did, and from where, is for those who answer for the team. */
const usual = permissions.filter((name) => name !== 'audit:read');
const reading = usual.filter((name) => name.endsWith(':read'));
const working = usual.filter((name) => name !== 'teams:write');

/** The built-in roles: named sets of permissions within a team. */
export const roles = {
  admin: [...permissions],
  user: [...working],
  agent: [...reading, 'workflows:execute', 'executions:write', 'events:write'],
  readonly: [...reading],
  guest: [
    'account:read',
    'workflows:read',
    'workflows:write',
    'workflows:execute',
    'executions:read',
    'executions:write',
    'approvals:read',
    'approvals:write',
    'events:read',
  ],
} as const satisfies Record<string, readonly Permission[]>;

export const role = z.enum(['admin', 'user', 'agent', 'readonly', 'guest']);
export type Role = z.infer<typeof role>;

/** Whether a value is a permission, for lists that were stored by an earlier release. */
export function isPermission(value: string): value is Permission {
  return permission.safeParse(value).success;
}
