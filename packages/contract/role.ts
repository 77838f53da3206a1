import { z } from 'zod';
import { id } from './id.ts';
import { role as builtInRole, type Permission, permission, type Role } from './permissions.ts';
import { text } from './text.ts';

/** The built-in roles that members may be given. */
export const givenRoles = ['admin', 'user', 'agent', 'readonly'] as const satisfies Role[];

/** What the built-in roles are for. */
export const roleDescriptions: Readonly<Record<(typeof givenRoles)[number], string>> = {
  admin: 'Everything, also the team itself: its members, invitations, roles and audit log',
  user: 'Everything but the team itself',
  agent: 'Reads everything, runs workflows and sends events',
  readonly: 'Reads everything',
};

/** What everybody may in whatever team they are in: see it, and look after their own account. */
export const everybodys = ['account:read', 'account:write', 'teams:read'] as const satisfies Permission[];

/** The name of a role, built in or the team's own. */
export const roleName = z
  .string()
  .trim()
  .max(40)
  .normalize('NFKC')
  .toLowerCase()
  .pipe(
    z.string().regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, {
      error: 'must start with a letter and hold only letters a to z, digits and single hyphens',
    }),
  )
  .meta({ examples: ['deployer'] });

/** The role that somebody has. */
export const shownRole = z
  .string()
  .meta({ description: 'admin, user, agent, readonly, or a role that the team has defined', examples: ['admin'] });

const newRoleName = roleName
  .refine((name) => !builtInRole.options.some((builtIn) => builtIn === name), {
    error: 'is the name of a built-in role',
  })
  .meta({ examples: ['deployer'] });
const description = text.max(500).meta({ examples: ['Publishes and runs workflows, sees no credentials'] });
const granted = z
  .array(permission)
  .max(100)
  .transform((list) => [...new Set(list)])
  .meta({
    description: 'What it lets its members do, besides seeing the team and looking after their own account',
    examples: [['workflows:read', 'workflows:write', 'workflows:execute', 'executions:read']],
  });

export const teamRole = z
  .object({
    teamId: id,
    name: z.string().meta({ examples: ['deployer'] }),
    description: z.string().meta({ examples: ['Publishes and runs workflows, sees no credentials'] }),
    permissions: z.array(permission).meta({
      examples: [['workflows:read', 'workflows:write', 'workflows:execute', 'executions:read']],
    }),
    builtIn: z
      .boolean()
      .meta({ description: 'Whether every team has it, and nobody can change it', examples: [false] }),
    revision: z.int().meta({ description: 'Raised by every change; the ETag', examples: [1] }),
  })
  .meta({ id: 'TeamRole' });
export type TeamRole = z.infer<typeof teamRole>;

export const teamRoleList = z.object({ items: z.array(teamRole) }).meta({ id: 'TeamRoleList' });

const revision = z.int().min(1).optional().describe('The revision that the change is based on');

export const roleListInput = z.strictObject({ id });
export const roleGetInput = z.strictObject({ id, role: roleName });
export const roleCreateInput = z.strictObject({
  id,
  name: newRoleName,
  description: description.default(''),
  permissions: granted,
});
export const roleUpdateInput = z.strictObject({
  id,
  role: roleName.describe('Its present name'),
  name: newRoleName.optional(),
  description: description.optional(),
  permissions: granted.optional(),
  revision,
});
export const roleDeleteInput = z.strictObject({ id, role: roleName, revision });
