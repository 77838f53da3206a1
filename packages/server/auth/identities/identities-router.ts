import {
  identityLinkInput,
  identityListInput,
  identityPage,
  identityRedirect,
  identityUnlinkInput,
} from '@flowplane/contract/identity';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../../idempotency/once.ts';
import { procedure } from '../../trpc.ts';
import { beginFlow } from './flow.ts';
import { listIdentities, requirePerson, unlinkIdentity } from './identity-list.ts';

const tags = ['users'];

/** A user's own identities elsewhere. */
export const identitiesRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/users/me/identities', tags, summary: 'List the identities of the caller' },
      permission: 'account:read',
    })
    .input(identityListInput)
    .output(identityPage)
    .query(({ ctx, input }) => listIdentities(ctx.auth, ctx.principal, input)),

  link: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/users/me/identities',
        tags,
        summary: 'Begin to link an identity to the account of the caller',
        description:
          'Send the browser to `url`; it comes back to the callback of the provider with the cookie of this answer, and the identity ' +
          'is linked then. Not for API keys.',
      },
      permission: 'account:write',
      errors: ['not_configured'],
      // Nothing is linked yet; the record is made when the browser is back.
      audit: false,
    })
    .input(identityLinkInput)
    .output(identityRedirect)
    .mutation(
      once(async ({ ctx, input }) => {
        requirePerson(ctx.principal);
        const { url, cookie } = await beginFlow(ctx.auth, { ...input, linkTo: ctx.principal });
        ctx.response.cookies.push(cookie);
        return { url };
      }),
    ),

  unlink: procedure
    .meta({
      openapi: { method: 'DELETE', path: '/users/me/identities/{id}', tags, summary: 'Unlink an identity' },
      permission: 'account:write',
      status: 204,
      errors: ['conflict'],
    })
    .input(identityUnlinkInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => unlinkIdentity(ctx.auth, ctx.principal, input))),
} satisfies TRPCRouterRecord;
