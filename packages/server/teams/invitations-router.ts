import {
  invitation,
  invitationAcceptInput,
  invitationCreateInput,
  invitationListInput,
  invitationPage,
  invitationPreview,
  invitationPreviewInput,
  invitationResendInput,
  invitationRevokeInput,
} from '@flowplane/contract/invitation';
import { ownTeam } from '@flowplane/contract/team';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { tellingWhen } from '../auth/passwords/retry-after.ts';
import { once } from '../idempotency/once.ts';
import { procedure, publicProcedure } from '../trpc.ts';
import { acceptInvitation, previewInvitation } from './accept-invitation.ts';
import { createInvitation, listInvitations, resendInvitation, revokeInvitation } from './invitations.ts';

const tags = ['teams'];

/** Invitations as the team that sends them sees them. */
export const teamInvitationsRouter = {
  list: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/teams/{id}/invitations',
        tags,
        summary: 'List the open invitations to a team',
      },
      permission: 'teams:read',
      ofTeam: true,
    })
    .input(invitationListInput)
    .output(invitationPage)
    .query(({ ctx, input }) => listInvitations(ctx.database.db, ctx.principal, input)),

  create: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/teams/{id}/invitations',
        tags,
        summary: 'Invite somebody to a team by email',
        description:
          'The mail has a link that works once, for seven days, for that address only. The answer is the same whether the address has ' +
          'an account or not. Nobody invites to a role that may do more than they.',
      },
      permission: 'teams:write',
      ofTeam: true,
      audit: { id: 'email' },
      status: 201,
      location: '/teams/{teamId}/invitations',
      errors: ['conflict', 'quota_reached'],
    })
    .input(invitationCreateInput)
    .output(invitation)
    .mutation(
      once(({ ctx, input }) => tellingWhen(ctx.response, () => createInvitation(ctx.auth, ctx.principal, input))),
    ),

  resend: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/teams/{id}/invitations/{invitationId}/resend',
        tags,
        summary: 'Mail an open invitation again',
        description: 'With another link, which works for seven days; the one before does not work any more.',
      },
      permission: 'teams:write',
      ofTeam: true,
      audit: { id: 'invitationId' },
    })
    .input(invitationResendInput)
    .output(invitation)
    .mutation(
      once(({ ctx, input }) => tellingWhen(ctx.response, () => resendInvitation(ctx.auth, ctx.principal, input))),
    ),

  revoke: procedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/teams/{id}/invitations/{invitationId}',
        tags,
        summary: 'Revoke an open invitation',
      },
      permission: 'teams:write',
      ofTeam: true,
      audit: { id: 'invitationId' },
      status: 204,
    })
    .input(invitationRevokeInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => revokeInvitation(ctx.database.db, ctx.principal, input))),
} satisfies TRPCRouterRecord;

/** Invitations as whoever is invited sees them. */
export const invitationsRouter = {
  preview: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/invitations/preview',
        tags,
        summary: 'See what a mailed invitation is to',
        description: 'For the page on which it is accepted. The invitation stays as it is.',
      },
      permission: 'public',
      audit: false,
    })
    .input(invitationPreviewInput)
    .output(invitationPreview)
    .mutation(({ ctx, input }) => tellingWhen(ctx.response, () => previewInvitation(ctx.auth, input, ctx.request))),

  accept: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/invitations/accept',
        tags,
        summary: 'Accept an invitation by its mailed token',
        description:
          'As the account whose email is the invited address, which counts as verified from then on. Who has no account registers with ' +
          '`invitation`. The session stays in its team: `X-Team-Id` picks the new one.',
      },
      permission: 'account:write',
      errors: ['quota_reached'],
    })
    .input(invitationAcceptInput)
    .output(ownTeam)
    .mutation(
      once(({ ctx, input }) => {
        const caller = { principal: ctx.principal, ip: ctx.request.ip };
        return tellingWhen(ctx.response, () => acceptInvitation(ctx.auth, caller, input));
      }),
    ),
} satisfies TRPCRouterRecord;
