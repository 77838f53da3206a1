import {
  accepted,
  forgotPasswordInput,
  loginInput,
  me as meOutput,
  refreshInput,
  registerInput,
  resetPasswordInput,
  signedIn,
  signingKeyRotated,
  signingKeyRotateInput,
  verifyEmailInput,
  whoami as whoamiOutput,
} from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../idempotency/once.ts';
import { procedure, publicProcedure } from '../trpc.ts';
import { login, logout, me, register } from './accounts.ts';
import { apiKeysRouter } from './api-keys/api-keys-router.ts';
import { whoami } from './api-keys/whoami.ts';
import { guestsRouter } from './guests/guests-router.ts';
import { upgradeGuest } from './guests/upgrade.ts';
import { signInRouters } from './identities/sign-in-router.ts';
import { requireOwner } from './owner.ts';
import { forgotPassword, resetPassword } from './passwords/reset-password.ts';
import { tellingWhen } from './passwords/retry-after.ts';
import { mailVerification, resendVerification, verifyEmail } from './passwords/verify-email.ts';
import { sessionsRouter } from './sessions/sessions-router.ts';
import { rotateSigningKey } from './tokens/key-rotation.ts';
import { refresh } from './tokens/refresh.ts';

const tags = ['auth'];

export const authRouter = {
  register: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/register',
        aliases: ['/users'],
        tags,
        summary: 'Register an account',
        description:
          'A guest who is signed in becomes the account, and keeps everything. With an invitation, the account is in that team.',
      },
      permission: 'public',
      status: 201,
      location: '/users/me',
      errors: ['email_taken', 'conflict', 'quota_reached'],
    })
    .input(registerInput)
    .output(signedIn)
    .mutation(async ({ ctx, input }) => {
      const { principal } = ctx;
      const { ip, userAgent } = ctx.request;
      if (principal?.role === 'guest' && input.invitation !== undefined) {
        throw new Refusal('conflict', 'A guest registers without the invitation, and accepts it then.');
      }
      const { signedIn, cookie } = await (principal?.role === 'guest'
        ? upgradeGuest(ctx.auth, principal, { ...input, ip, userAgent })
        : tellingWhen(ctx.response, () => register(ctx.auth, input, ctx.request)));
      // Who has the token of an invitation has read a mail to the address.
      if (input.invitation === undefined) mailVerification(ctx.auth, { ...signedIn.user, email: input.email });
      ctx.response.cookies.push(cookie);
      return signedIn;
    }),

  login: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/login', tags, summary: 'Sign in by email and password' },
      permission: 'public',
      errors: ['invalid_credentials'],
    })
    .input(loginInput)
    .output(signedIn)
    .mutation(async ({ ctx, input }) => {
      const signIn = () => login(ctx.auth, input, ctx.request);
      const { signedIn, cookie } = await tellingWhen(ctx.response, signIn);
      ctx.response.cookies.push(cookie);
      return signedIn;
    }),

  refresh: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/refresh', tags, summary: 'Exchange a refresh token for new tokens' },
      permission: 'public',
    })
    .input(refreshInput)
    .output(signedIn)
    .mutation(({ ctx, input }) => refresh(ctx.auth, input, ctx.request)),

  logout: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/logout', tags, summary: 'End the session of the caller' },
      permission: 'public',
      status: 204,
    })
    .input(z.void())
    .output(z.void())
    .mutation(async ({ ctx }) => {
      ctx.response.cookies.push(await logout(ctx.auth, ctx.principal, ctx.request));
    }),

  me: procedure
    .meta({
      openapi: { method: 'GET', path: '/auth/me', tags, summary: 'Who the caller is' },
      permission: 'account:read',
    })
    .input(z.void())
    .output(meOutput)
    .query(({ ctx }) => me(ctx.auth, ctx.principal)),

  whoami: procedure
    .meta({
      openapi: { method: 'GET', path: '/auth/whoami', tags, summary: 'What the credential of the caller is' },
      permission: 'account:read',
    })
    .input(z.void())
    .output(whoamiOutput)
    .query(({ ctx }) => whoami(ctx.auth, ctx.principal)),

  email: {
    verify: publicProcedure
      .meta({
        openapi: { method: 'POST', path: '/auth/verify-email', tags, summary: 'Confirm an email address' },
        permission: 'public',
        status: 204,
      })
      .input(verifyEmailInput)
      .output(z.void())
      .mutation(({ ctx, input }) => tellingWhen(ctx.response, () => verifyEmail(ctx.auth, input, ctx.request))),

    resend: procedure
      .meta({
        openapi: {
          method: 'POST',
          path: '/auth/verify-email/resend',
          tags,
          summary: 'Mail the caller another link to confirm their address',
        },
        permission: 'account:write',
        audit: { resource: 'user' },
        status: 202,
        errors: ['conflict'],
      })
      .input(z.void())
      .output(accepted)
      .mutation(
        once(async ({ ctx }) => {
          await tellingWhen(ctx.response, () => resendVerification(ctx.auth, ctx.principal));
          return { detail: 'A mail is on its way.' };
        }),
      ),
  },

  password: {
    forgot: publicProcedure
      .meta({
        openapi: {
          method: 'POST',
          path: '/auth/password/forgot',
          tags,
          summary: 'Mail a link to choose a new password',
          description: 'The answer is the same whether the address has an account or not.',
        },
        permission: 'public',
        status: 202,
      })
      .input(forgotPasswordInput)
      .output(accepted)
      .mutation(async ({ ctx, input }) => {
        await tellingWhen(ctx.response, () => forgotPassword(ctx.auth, input, ctx.request));
        return { detail: 'If the address has an account, a mail is on its way.' };
      }),

    reset: publicProcedure
      .meta({
        openapi: {
          method: 'POST',
          path: '/auth/password/reset',
          tags,
          summary: 'Choose a new password by a mailed token',
          description: 'All sessions of the account end with their tokens.',
        },
        permission: 'public',
        status: 204,
      })
      .input(resetPasswordInput)
      .output(z.void())
      .mutation(({ ctx, input }) => tellingWhen(ctx.response, () => resetPassword(ctx.auth, input, ctx.request))),
  },

  signingKeys: {
    rotate: procedure
      .meta({
        openapi: {
          method: 'POST',
          path: '/auth/signing-keys/rotate',
          tags,
          summary: 'Replace the key that signs access tokens',
          description:
            'Only for the owner of the instance. The new key signs ten minutes later, when everybody knows it; tokens of the old ' +
            'one are good until they expire. It also happens by itself when the key is old.',
        },
        permission: 'account:write',
        audit: { id: 'kid' },
      })
      .input(signingKeyRotateInput)
      .output(signingKeyRotated)
      .mutation(
        once(async ({ ctx, input }) => {
          await requireOwner(ctx.auth, ctx.principal);
          return rotateSigningKey(ctx.auth, input);
        }),
      ),
  },

  guests: guestsRouter,
  ...signInRouters,
  sessions: sessionsRouter,
  apiKeys: apiKeysRouter,
} satisfies TRPCRouterRecord;
