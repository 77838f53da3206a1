import { guestMerged, guestMergeInput, signedIn } from '@flowplane/contract/auth';
import { withRetry } from '@flowplane/db/retry';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../../idempotency/once.ts';
import { procedure, publicProcedure } from '../../trpc.ts';
import { tellingWhen } from '../passwords/retry-after.ts';
import { createGuest } from './guest.ts';
import { mergeGuest } from './merge.ts';

const tags = ['auth'];

/** How long a merge is tried. */
const patienceMs = 10_000;

const mergeOnce = once<z.output<typeof guestMergeInput>, z.output<typeof guestMerged>>(({ ctx, input }) =>
  mergeGuest(ctx, ctx.principal, input),
);

export const guestsRouter = {
  create: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/guest',
        tags,
        summary: 'Sign in as a guest, without an account',
        description:
          'Only where the instance takes guests. A guest may do less and has less, for some days; to register as one keeps everything.',
      },
      permission: 'public',
      errors: ['conflict', 'cross_site_request'],
      status: 201,
      location: '/users/me',
      exampleFields: { 201: { user: { id: '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f', email: null, name: 'Guest' } } },
    })
    .input(z.void())
    .output(signedIn)
    .mutation(async ({ ctx }) => {
      const { signedIn, cookie } = await tellingWhen(ctx.response, () => createGuest(ctx.auth, ctx.request));
      ctx.response.cookies.push(cookie);
      return signedIn;
    }),

  merge: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/guest/merge',
        tags,
        summary: 'Take over what a guest has made',
        description:
          'Everything of the guest becomes the team’s of the caller, once; the guest and its tokens are gone then. Addresses of webhooks change with the team: the answer has the new ones.',
      },
      permission: 'workflows:write',
      audit: { resource: 'guest' },
      errors: ['conflict'],
    })
    .input(guestMergeInput)
    .output(guestMerged)
    // Workers that commit several executions at once may hold what it waits for, and wait for what it holds.
    .mutation((options) => withRetry(() => mergeOnce(options), patienceMs)),
} satisfies TRPCRouterRecord;
