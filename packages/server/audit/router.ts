import { auditListInput, auditPage } from '@flowplane/contract/audit';
import type { TRPCRouterRecord } from '@trpc/server';
import { procedure } from '../trpc.ts';
import { listAudit } from './list.ts';

export const auditRouter = {
  list: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/audit',
        tags: ['audit'],
        summary: 'List who did what in the team, newest first',
        description: 'Only for who has the permission audit:read, as the role admin does.',
      },
      permission: 'audit:read',
    })
    .input(auditListInput)
    .output(auditPage)
    .query(({ ctx, input }) => listAudit({ db: ctx.database.db, teamId: ctx.principal.teamId }, input)),
} satisfies TRPCRouterRecord;
