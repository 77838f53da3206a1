import {
  apiKeyCreateInput,
  apiKeyListInput,
  apiKeyPage,
  apiKeyRevokeInput,
  apiKeyWithSecret,
  loginInput,
  me as meOutput,
  refreshInput,
  registerInput,
  signedIn,
} from '@flowplane/contract/auth';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../idempotency/once.ts';
import { procedure, publicProcedure } from '../trpc.ts';
import { login, logout, me, register } from './accounts.ts';
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts';
import { refresh } from './refresh.ts';

const tags = ['auth'];

export const authRouter = {
  register: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/register', aliases: ['/users'], tags, summary: 'Register an account' },
      permission: 'public',
      status: 201,
      location: '/users/me',
    })
    .input(registerInput)
    .output(signedIn)
    .mutation(async ({ ctx, input }) => {
      const { signedIn, cookie } = await register(ctx.auth, input, ctx.request);
      ctx.response.cookies.push(cookie);
      return signedIn;
    }),

  login: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/login', tags, summary: 'Sign in by email and password' },
      permission: 'public',
    })
    .input(loginInput)
    .output(signedIn)
    .mutation(async ({ ctx, input }) => {
      const { signedIn, cookie } = await login(ctx.auth, input, ctx.request);
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
    .mutation(({ ctx, input }) => refresh(ctx.auth, input)),

  logout: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/logout', tags, summary: 'End the session of the caller' },
      permission: 'public',
      status: 204,
    })
    .input(z.void())
    .output(z.void())
    .mutation(async ({ ctx }) => {
      ctx.response.cookies.push(await logout(ctx.auth, ctx.principal));
    }),

  me: procedure
    .meta({
      openapi: { method: 'GET', path: '/users/me', aliases: ['/auth/me'], tags, summary: 'Who the caller is' },
      permission: 'account:read',
    })
    .input(z.void())
    .output(meOutput)
    .query(({ ctx }) => me(ctx.auth, ctx.principal)),

  apiKeys: {
    create: procedure
      .meta({
        openapi: { method: 'POST', path: '/auth/api-keys', tags, summary: 'Create an API key; it is shown only once' },
        permission: 'api-keys:write',
        status: 201,
      })
      .input(apiKeyCreateInput)
      .output(apiKeyWithSecret)
      .mutation(once(({ ctx, input }) => createApiKey(ctx.auth, ctx.principal, input))),

    list: procedure
      .meta({
        openapi: { method: 'GET', path: '/auth/api-keys', tags, summary: 'List the API keys of the caller' },
        permission: 'api-keys:read',
      })
      .input(apiKeyListInput)
      .output(apiKeyPage)
      .query(({ ctx, input }) => listApiKeys(ctx.auth, ctx.principal, input)),

    revoke: procedure
      .meta({
        openapi: { method: 'DELETE', path: '/auth/api-keys/{id}', tags, summary: 'Revoke an API key' },
        permission: 'api-keys:write',
        status: 204,
      })
      .input(apiKeyRevokeInput)
      .output(z.void())
      .mutation(once(({ ctx, input }) => revokeApiKey(ctx.auth, ctx.principal, input))),
  },
} satisfies TRPCRouterRecord;
