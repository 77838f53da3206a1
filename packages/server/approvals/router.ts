import {
  type Approval,
  approval,
  approvalDecideInput,
  approvalGetInput,
  approvalListInput,
  approvalPage,
} from '@flowplane/contract/approval';
import type { TRPCRouterRecord } from '@trpc/server';
import type { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { getApproval, listApprovals } from './approvals.ts';
import { decide } from './decide.ts';

const tags = ['approvals'];

function scope({ database, auth, principal }: Context & { principal: Principal }) {
  const links = principal.permissions.has('approvals:write') ? auth.approvalLinks : undefined;
  return { db: database.db, teamId: principal.teamId, links };
}

const decideOnce = once<z.output<typeof approvalDecideInput>, Approval>(({ ctx, input }) =>
  decide(scope(ctx), input.id, { ...input, by: ctx.principal.userId }),
);

export const approvalsRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/approvals', tags, summary: 'List approvals' },
      permission: 'approvals:read',
    })
    .input(approvalListInput)
    .output(approvalPage)
    .query(({ ctx, input }) => listApprovals(scope(ctx), input)),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/approvals/{id}', tags, summary: 'Get an approval' },
      permission: 'approvals:read',
    })
    .input(approvalGetInput)
    .output(approval)
    .query(({ ctx, input }) => getApproval(scope(ctx), input.id)),

  decide: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/approvals/{id}/decide',
        tags,
        summary: 'Approve or reject',
        description: 'The first decision is final; the execution goes on at once.',
      },
      permission: 'approvals:write',
      errors: ['already_decided', 'approval_closed'],
      exampleFields: { 200: { status: 'approved' } },
    })
    .input(approvalDecideInput)
    .output(approval)
    .mutation(async (options) => {
      const decided = await decideOnce(options);
      // Only now is it committed, whoever began the transaction.
      options.ctx.engine.nudge([decided.executionId]);
      return decided;
    }),
} satisfies TRPCRouterRecord;
