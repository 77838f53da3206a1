import {
  roleCreateInput,
  roleDeleteInput,
  roleGetInput,
  roleListInput,
  roleUpdateInput,
  teamRole,
  teamRoleList,
} from '@flowplane/contract/role';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { createRole, deleteRole, getRole, listRoles, updateRole } from './roles.ts';

const tags = ['teams'];

export const rolesRouter = {
  list: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/teams/{id}/roles',
        tags,
        summary: 'List the roles that members of a team can have',
      },
      permission: 'teams:read',
      ofTeam: true,
    })
    .input(roleListInput)
    .output(teamRoleList)
    .query(({ ctx }) => listRoles(ctx.database.db, ctx.principal.teamId)),

  create: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/teams/{id}/roles',
        tags,
        summary: 'Define a role of a team',
        description: 'With no permission that the caller does not have.',
      },
      permission: 'teams:write',
      ofTeam: true,
      audit: { id: 'name' },
      etag: 'revision',
      status: 201,
      location: '/teams/{teamId}/roles/{name}',
      errors: ['conflict', 'quota_reached'],
    })
    .input(roleCreateInput)
    .output(teamRole)
    .mutation(once(({ ctx, input }) => createRole(ctx.database.db, ctx.principal, input))),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/teams/{id}/roles/{role}', tags, summary: 'Get a role of a team' },
      permission: 'teams:read',
      ofTeam: true,
      etag: 'revision',
    })
    .input(roleGetInput)
    .output(teamRole)
    .query(({ ctx, input }) => getRole(ctx.database.db, ctx.principal.teamId, input.role)),

  update: procedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/teams/{id}/roles/{role}',
        tags,
        summary: 'Change a role that a team has defined',
        description:
          'What is absent stays as it is. Who has the role may do what it says within a second. It has no permission that the caller ' +
          'does not have, neither before nor after.',
      },
      permission: 'teams:write',
      ofTeam: true,
      audit: { id: 'role' },
      etag: 'revision',
      errors: ['conflict'],
    })
    .input(roleUpdateInput)
    .output(teamRole)
    .mutation(once(({ ctx, input }) => updateRole(ctx.auth, ctx.principal, input))),

  delete: procedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/teams/{id}/roles/{role}',
        tags,
        summary: 'Delete a role that nobody has',
      },
      permission: 'teams:write',
      ofTeam: true,
      audit: { id: 'role' },
      etag: 'revision',
      status: 204,
      errors: ['role_in_use'],
    })
    .input(roleDeleteInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => deleteRole(ctx.database.db, ctx.principal, input))),
} satisfies TRPCRouterRecord;
