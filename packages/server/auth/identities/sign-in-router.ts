import {
  identityLoginInput,
  identityRedirect,
  type SignInProvider,
  signInProviders,
} from '@flowplane/contract/identity';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { publicProcedure } from '../../trpc.ts';
import { beginFlow } from './flow.ts';
import { listProviders } from './identities.ts';

const tags = ['auth'];

const description =
  'Send the browser to `url`. It comes back to the callback with the cookie of this answer, which alone can end what it began, ' +
  'within ten minutes.';

function loginBy(provider: SignInProvider, summary: string) {
  return publicProcedure
    .meta({
      openapi: { method: 'POST', path: `/auth/${provider}/login`, tags, summary, description },
      permission: 'public',
      errors: ['not_configured'],
      // Nobody is signed in yet; the record is made when the browser is back.
      audit: false,
    })
    .input(identityLoginInput)
    .output(identityRedirect)
    .mutation(async ({ ctx, input }) => {
      const { url, cookie } = await beginFlow(ctx.auth, { provider, ...input });
      ctx.response.cookies.push(cookie);
      return { url };
    });
}

/** Sign-in by those who know people already. The callbacks are no procedures, as browsers come to them. */
export const signInRouters = {
  github: { login: loginBy('github', 'Begin to sign in by GitHub') },
  oidc: { login: loginBy('oidc', 'Begin to sign in by OpenID Connect') },
  providers: publicProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/auth/providers',
        tags,
        summary: 'List whom this instance lets people sign in by',
      },
      permission: 'public',
    })
    .input(z.void())
    .output(signInProviders)
    .query(({ ctx }) => listProviders(ctx.auth.identities)),
} satisfies TRPCRouterRecord;
