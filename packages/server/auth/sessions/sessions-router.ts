import { sessionListInput, sessionPage, sessionRevokeInput } from '@flowplane/contract/auth';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../../idempotency/once.ts';
import { procedure } from '../../trpc.ts';
import { endOtherSessions, endSession, listSessions } from './session-list.ts';

const tags = ['auth'];

export const sessionsRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/auth/sessions', tags, summary: 'List the sessions of the caller' },
      permission: 'account:read',
    })
    .input(sessionListInput)
    .output(sessionPage)
    .query(({ ctx, input }) => listSessions(ctx.auth, ctx.principal, input)),

  revoke: procedure
    .meta({
      openapi: { method: 'DELETE', path: '/auth/sessions/{id}', tags, summary: 'End a session with its tokens' },
      permission: 'account:write',
      status: 204,
    })
    .input(sessionRevokeInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => endSession(ctx.auth, ctx.principal, input))),

  revokeOthers: procedure
    .meta({
      openapi: { method: 'DELETE', path: '/auth/sessions', tags, summary: 'End all sessions but the caller’s own' },
      permission: 'account:write',
      status: 204,
    })
    .input(z.void())
    .output(z.void())
    .mutation(once(({ ctx }) => endOtherSessions(ctx.auth, ctx.principal))),
} satisfies TRPCRouterRecord;
