import { execution } from '@flowplane/contract/execution';
import {
  workflowExecuteInput,
  workflowLogEvent,
  workflowLogsInput,
  workflowStatus,
  workflowStatusInput,
  workflowStopInput,
  workflowStopped,
} from '@flowplane/contract/workflow';
import { workflowTestInput, workflowTestRun } from '@flowplane/contract/workflow-test';
import { isFinal } from '@flowplane/engine/execution';
import type { TRPCRouterRecord } from '@trpc/server';
import { once } from '../idempotency/once.ts';
import { reservedId } from '../idempotency/reserved-id.ts';
import { stream } from '../stream.ts';
import { procedure } from '../trpc.ts';
import { executeWorkflow } from './execute.ts';
import { streamLogs } from './logs.ts';
import { scope } from './scope.ts';
import { statusOfWorkflow } from './status.ts';
import { stopWorkflow } from './stop.ts';
import { checkMayTest, startTest } from './test-run.ts';
import { withSteps } from './test-steps.ts';

const tags = ['workflows'];

/** Running a workflow, and what it is doing. */
export const runProcedures = {
  execute: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/execute',
        aliases: ['/pipelines/{id}/execute'],
        tags,
        summary: 'Run a workflow',
      },
      permission: 'workflows:execute',
      audit: false,
      errors: ['not_published', 'queue_full', 'quota_reached'],
      status: 202,
      otherStatus: 200,
      exampleFields: { 202: { status: 'running', output: null, finishedAt: null } },
      statusDescriptions: { 202: 'It goes on.', 200: 'It finished within `wait` seconds.' },
      location: '/executions/{id}',
    })
    .input(workflowExecuteInput)
    .output(execution)
    .mutation(async ({ ctx, input, path }) => {
      const executionId = await reservedId(ctx, { path, input: { ...input, wait: 0 } });
      const { execution, replayed } = await executeWorkflow({ ...scope(ctx), executionId }, input);
      if (isFinal(execution.status)) ctx.response.status = 200;
      if (replayed) ctx.response.headers['idempotency-replayed'] = 'true';
      return execution;
    }),

  test: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/test',
        aliases: ['/pipelines/{id}/test'],
        tags,
        summary: 'Try a draft, or a part of it',
        description:
          'Runs the draft, or a definition that is not saved, with pinned results: as a whole, `until` a node, or `only` one. The answer has its steps; it needs the permission executions:read too.',
      },
      permission: 'workflows:execute',
      audit: false,
      errors: ['invalid_workflow', 'quota_reached'],
      status: 202,
      otherStatus: 200,
      exampleFields: {
        200: { version: null, trigger: 'test' },
        202: { version: null, trigger: 'test', status: 'running', output: null, finishedAt: null },
      },
      statusDescriptions: { 202: 'It goes on.', 200: 'It finished within `wait` seconds.' },
      location: '/executions/{id}',
    })
    .input(workflowTestInput)
    .output(workflowTestRun)
    .mutation(async ({ ctx, input, path }) => {
      checkMayTest(ctx.principal, input);
      const executionId = await reservedId(ctx, { path, input: { ...input, wait: 0 } });
      const { execution, replayed } = await startTest({ ...scope(ctx), executionId }, input);
      if (isFinal(execution.status)) ctx.response.status = 200;
      if (replayed) ctx.response.headers['idempotency-replayed'] = 'true';
      return withSteps(ctx.database, execution);
    }),

  stop: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/stop',
        aliases: ['/pipelines/{id}/stop'],
        tags,
        summary: 'Cancel a workflow’s executions that are under way',
      },
      permission: 'executions:write',
    })
    .input(workflowStopInput)
    .output(workflowStopped)
    .mutation(once(({ ctx, input }) => stopWorkflow(scope(ctx), input.id))),

  status: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}/status',
        aliases: ['/pipelines/{id}/status'],
        tags,
        summary: 'Get what a workflow is doing',
      },
      permission: 'executions:read',
    })
    .input(workflowStatusInput)
    .output(workflowStatus)
    .query(({ ctx, input }) => statusOfWorkflow(scope(ctx), input.id)),

  logs: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}/logs',
        aliases: ['/pipelines/{id}/logs'],
        tags,
        summary: 'Follow what a workflow’s executions log',
        description:
          'The last `tail` lines of all of its executions, or those after `lastEventId`; then each new line. The stream does not end by itself.',
      },
      permission: 'executions:read',
    })
    .input(workflowLogsInput)
    .output(stream(workflowLogEvent))
    .subscription(({ ctx, input, signal }) => streamLogs(ctx, input, signal)),
} satisfies TRPCRouterRecord;
