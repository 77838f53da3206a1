import {
  memberListInput,
  memberPage,
  memberRemoveInput,
  member as memberShape,
  memberUpdateInput,
  teamCreateInput,
  teamDeleteInput,
  teamDetails,
  teamGetInput,
  teamLeaveInput,
  teamListInput,
  teamPage,
  teamTransferInput,
  teamUpdateInput,
} from '@flowplane/contract/team';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { deleteTeam } from './delete-team.ts';
import { leaveTeam, removeMember } from './departure.ts';
import { teamInvitationsRouter } from './invitations-router.ts';
import { changeRole, listMembers, transferTeam } from './members.ts';
import { rolesRouter } from './roles-router.ts';
import { createTeam, getTeam, listTeams } from './teams.ts';
import { updateTeam } from './update-team.ts';

const tags = ['teams'];

export const teamsRouter = {
  list: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/teams',
        tags,
        summary: 'List the teams of the caller',
        description: 'With the role that they have in each. An API key sees the one that it is of.',
      },
      permission: 'teams:read',
    })
    .input(teamListInput)
    .output(teamPage)
    .query(({ ctx, input }) => listTeams(ctx.database.db, ctx.principal, input)),

  create: procedure
    .meta({
      openapi: { method: 'POST', path: '/teams', tags, summary: 'Create a team, with the caller as its admin' },
      permission: 'account:write',
      etag: 'revision',
      status: 201,
      location: '/teams/{id}',
      errors: ['slug_taken', 'quota_reached', 'conflict'],
    })
    .input(teamCreateInput)
    .output(teamDetails)
    .mutation(once(({ ctx, input }) => createTeam(ctx.database.db, ctx.principal, input))),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/teams/{id}', tags, summary: 'Get a team' },
      permission: 'teams:read',
      ofTeam: true,
      etag: 'revision',
    })
    .input(teamGetInput)
    .output(teamDetails)
    .query(({ ctx }) => getTeam(ctx.database.db, ctx.principal.teamId)),

  update: procedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/teams/{id}',
        tags,
        summary: 'Change the name or the slug of a team',
        description:
          'What is absent stays as it is. The slug is in the addresses of the team’s webhooks: while there are some, another slug ' +
          'needs `moveWebhooks`. The old addresses answer 404 from then on, and no other team gets the old slug.',
      },
      permission: 'teams:write',
      ofTeam: true,
      etag: 'revision',
      errors: ['slug_taken', 'webhooks_would_move'],
    })
    .input(teamUpdateInput)
    .output(teamDetails)
    .mutation(
      once(({ ctx, input }) => {
        const { database, webhooks, principal } = ctx;
        return updateTeam({ db: database.db, webhooks }, { ...input, id: principal.teamId });
      }),
    ),

  delete: procedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/teams/{id}',
        tags,
        summary: 'Delete a team and everything of it',
        description:
          'For admins, and not their only team. Refused while executions are under way, unless `force` is true: they are cancelled ' +
          'then. Members go on in another team of theirs. No other team gets the slug.',
      },
      permission: 'teams:write',
      ofTeam: true,
      etag: 'revision',
      status: 204,
      errors: ['team_in_use', 'last_team'],
    })
    .input(teamDeleteInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => deleteTeam(ctx, ctx.principal, { ...input, id: ctx.principal.teamId }))),

  leave: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/teams/{id}/leave',
        tags,
        summary: 'Leave a team',
        description:
          'The caller’s API keys of the team are revoked, and their sessions go on in another team of theirs. The last admin cannot leave.',
      },
      permission: 'account:write',
      ofTeam: true,
      status: 204,
      errors: ['last_admin'],
    })
    .input(teamLeaveInput)
    .output(z.void())
    .mutation(once(({ ctx }) => leaveTeam(ctx.auth, ctx.principal))),

  transfer: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/teams/{id}/transfer',
        tags,
        summary: 'Hand a team on to another member',
        description: 'The member becomes an admin and the caller gets another role, in one step.',
      },
      permission: 'teams:write',
      ofTeam: true,
    })
    .input(teamTransferInput)
    .output(memberShape)
    .mutation(once(({ ctx, input }) => transferTeam(ctx.auth, ctx.principal, input))),

  members: {
    list: procedure
      .meta({
        openapi: { method: 'GET', path: '/teams/{id}/members', tags, summary: 'List the members of a team' },
        permission: 'teams:read',
        ofTeam: true,
      })
      .input(memberListInput)
      .output(memberPage)
      .query(({ ctx, input }) => listMembers(ctx.database.db, ctx.principal, input)),

    update: procedure
      .meta({
        openapi: {
          method: 'PATCH',
          path: '/teams/{id}/members/{userId}',
          tags,
          summary: 'Change the role of a member',
          description:
            'Within a second everywhere. Nobody gives or takes more than they may do themselves; the last admin stays one.',
        },
        permission: 'teams:write',
        ofTeam: true,
        audit: { id: 'userId' },
        errors: ['last_admin'],
      })
      .input(memberUpdateInput)
      .output(memberShape)
      .mutation(once(({ ctx, input }) => changeRole(ctx.auth, ctx.principal, input))),

    remove: procedure
      .meta({
        openapi: {
          method: 'DELETE',
          path: '/teams/{id}/members/{userId}',
          tags,
          summary: 'Remove a member from a team',
          description:
            'Their API keys of the team are revoked, and their sessions go on in another team of theirs, in a new one if there is none.',
        },
        permission: 'teams:write',
        ofTeam: true,
        audit: { id: 'userId' },
        status: 204,
        errors: ['last_admin'],
      })
      .input(memberRemoveInput)
      .output(z.void())
      .mutation(once(({ ctx, input }) => removeMember(ctx.auth, ctx.principal, input))),
  },

  invitations: teamInvitationsRouter,
  roles: rolesRouter,
} satisfies TRPCRouterRecord;
