import {
  type Execution,
  execution,
  executionCancelInput,
  executionCancelManyInput,
  executionEvent,
  executionEventsInput,
  executionGetInput,
  executionListInput,
  executionLogsInput,
  executionPage,
  executionRedriveInput,
  executionRedriven,
  executionRestartInput,
  executionStepsInput,
  executionsCancelled,
  logPage,
  stepPage,
} from '@flowplane/contract/execution';
import type { TRPCRouterRecord } from '@trpc/server';
import type { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { once } from '../idempotency/once.ts';
import { stream } from '../stream.ts';
import { procedure } from '../trpc.ts';
import { streamEvents } from './events.ts';
import { cancelExecution, getExecution, listExecutions } from './executions.ts';
import { listLogs, listSteps } from './journal.ts';
import { cancelExecutions, redriveExecutions } from './many.ts';
import { restartExecution } from './restart.ts';

const tags = ['executions'];

function scope({ database, principal }: Context & { principal: Principal }) {
  return { db: database.db, teamId: principal.teamId };
}

const restartOnce = once<z.output<typeof executionRestartInput>, Execution>(({ ctx, input }) =>
  restartExecution({ ...scope(ctx), engine: ctx.engine }, input),
);

const redriveOnce = once<z.output<typeof executionRedriveInput>, string[]>(({ ctx, input }) =>
  redriveExecutions({ ...scope(ctx), engine: ctx.engine }, input),
);

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
      errors: ['already_finished'],
      exampleFields: { 200: { status: 'cancelled', output: null } },
    })
    .input(executionCancelInput)
    .output(execution)
    .mutation(once(({ ctx, input }) => cancelExecution(ctx.engine, ctx.principal.teamId, input.id))),

  restart: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/executions/{id}/restart',
        tags,
        summary: 'Restart an execution that has ended',
        description:
          'Makes a new execution, with the results of the steps that do not come after `from`, on another version or with another input if you like.',
      },
      permission: 'executions:write',
      errors: ['not_finished', 'not_published', 'queue_full', 'quota_reached'],
      status: 202,
      statusDescriptions: { 202: 'The new execution, which is about to run.' },
      exampleFields: {
        202: {
          status: 'pending',
          trigger: 'restart',
          restartedFrom: '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f',
          output: null,
          startedAt: null,
          finishedAt: null,
        },
      },
      location: '/executions/{id}',
    })
    .input(executionRestartInput)
    .output(execution)
    .mutation(async (options) => {
      const made = await restartOnce(options);
      options.ctx.engine.restarted([made.id]);
      return made;
    }),

  redrive: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/executions/redrive',
        tags,
        summary: 'Restart executions that failed',
        description: 'Each is restarted once: a further call goes on with those that are left.',
      },
      permission: 'executions:write',
      errors: ['queue_full', 'quota_reached'],
      status: 202,
      statusDescriptions: { 202: 'The new executions are about to run.' },
    })
    .input(executionRedriveInput)
    .output(executionRedriven)
    .mutation(async (options) => {
      const made = await redriveOnce(options);
      options.ctx.engine.restarted(made);
      return { redriven: made.length, executions: made.slice(0, 100) };
    }),

  cancelMany: procedure
    .meta({
      openapi: { method: 'POST', path: '/executions/cancel', tags, summary: 'Cancel executions that are under way' },
      permission: 'executions:write',
    })
    .input(executionCancelManyInput)
    .output(executionsCancelled)
    .mutation(once(({ ctx, input }) => cancelExecutions({ ...scope(ctx), engine: ctx.engine }, input))),

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

  events: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/executions/{id}/events',
        tags,
        summary: 'Follow an execution',
        description:
          'What happens in it, from its beginning or after `lastEventId`: its status, its steps, its log lines. The last event is `done`; a stream that ends without it can be resumed.',
      },
      permission: 'executions:read',
      websocket: '/ws/logs/{id}',
    })
    .input(executionEventsInput)
    .output(stream(executionEvent))
    .subscription(({ ctx, input, signal }) => streamEvents(ctx, input, signal)),
} satisfies TRPCRouterRecord;
