import { me as meOutput, signedIn, user } from '@flowplane/contract/auth';
import { passwordChangeInput, userUpdateInput } from '@flowplane/contract/user';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { me } from '../auth/accounts.ts';
import { identitiesRouter } from '../auth/identities/identities-router.ts';
import { changePassword } from '../auth/passwords/change-password.ts';
import { tellingWhen } from '../auth/passwords/retry-after.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { updateMe } from './users.ts';

const tags = ['users'];

export const usersRouter = {
  me: procedure
    .meta({
      openapi: { method: 'GET', path: '/users/me', tags, summary: 'Who the caller is' },
      permission: 'account:read',
    })
    .input(z.void())
    .output(meOutput)
    .query(({ ctx }) => me(ctx.auth, ctx.principal)),

  updateMe: procedure
    .meta({
      openapi: { method: 'PATCH', path: '/users/me', tags, summary: 'Change the name of the caller' },
      permission: 'account:write',
    })
    .input(userUpdateInput)
    .output(user)
    .mutation(once(({ ctx, input }) => updateMe(ctx.auth, ctx.principal, input))),

  changePassword: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/users/me/password',
        tags,
        summary: 'Change the password of the caller',
        description:
          'All sessions of the caller end with their tokens; the answer has the tokens of a new one, and its cookie. API keys keep ' +
          'working, and cannot do this.',
      },
      permission: 'account:write',
      errors: ['invalid_credentials', 'conflict'],
    })
    .input(passwordChangeInput)
    .output(signedIn)
    .mutation(
      once(async ({ ctx, input }) => {
        const { ip, userAgent } = ctx.request;
        const change = () => changePassword(ctx.auth, ctx.principal, { ...input, ip, userAgent });
        const { signedIn, cookie } = await tellingWhen(ctx.response, change);
        ctx.response.cookies.push(cookie);
        return signedIn;
      }),
    ),

  identities: identitiesRouter,
} satisfies TRPCRouterRecord;
