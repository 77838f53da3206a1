import {
  execution,
  executionCancelInput,
  executionGetInput,
  executionListInput,
  executionLogsInput,
  executionPage,
  executionStepsInput,
  logPage,
  stepPage,
} from '@flowplane/contract/execution';
import type { TRPCRouterRecord } from '@trpc/server';
import type { Context, Principal } from '../context.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { cancelExecution, getExecution, listExecutions } from './executions.ts';
import { listLogs, listSteps } from './journal.ts';

const tags = ['executions'];

function scope({ database, principal }: Context & { principal: Principal }) {
  return { db: database.db, teamId: principal.teamId };
}

export const executionsRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/executions', tags, summary: 'List executions' },
      permission: 'executions:read',
    })
    .input(executionListInput)
    .output(executionPage)
    .query(({ ctx, input }) => listExecutions(scope(ctx), input)),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/executions/{id}', tags, summary: 'Get an execution' },
      permission: 'executions:read',
    })
    .input(executionGetInput)
    .output(execution)
    .query(({ ctx, input }) => getExecution(ctx.database, ctx.principal.teamId, input.id)),

  cancel: procedure
    .meta({
      openapi: { method: 'POST', path: '/executions/{id}/cancel', tags, summary: 'Cancel an execution' },
      permission: 'executions:write',
      exampleFields: { 200: { status: 'cancelled', output: null } },
    })
    .input(executionCancelInput)
    .output(execution)
    .mutation(once(({ ctx, input }) => cancelExecution(ctx.engine, ctx.principal.teamId, input.id))),

  steps: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/executions/{id}/steps',
        tags,
        summary: 'List an execution’s steps, in the order in which they happened',
      },
      permission: 'executions:read',
    })
    .input(executionStepsInput)
    .output(stepPage)
    .query(({ ctx, input }) => listSteps(scope(ctx), input)),

  logs: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/executions/{id}/logs',
        tags,
        summary: 'List what an execution logged, oldest first',
      },
      permission: 'executions:read',
    })
    .input(executionLogsInput)
    .output(logPage)
    .query(({ ctx, input }) => listLogs(scope(ctx), input)),
} satisfies TRPCRouterRecord;
