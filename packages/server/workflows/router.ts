import { execution } from '@flowplane/contract/execution';
import {
  workflow,
  workflowCreateInput,
  workflowDeleteInput,
  workflowExecuteInput,
  workflowGetInput,
  workflowListInput,
  workflowPage,
  workflowPublishInput,
  workflowReplaceInput,
  workflowUpdateInput,
} from '@flowplane/contract/workflow';
import { isFinal } from '@flowplane/engine/execution';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { once } from '../idempotency/once.ts';
import { reservedId } from '../idempotency/reserved-id.ts';
import { procedure } from '../trpc.ts';
import { executeWorkflow } from './execute.ts';
import { publishWorkflow } from './publish.ts';
import { replaceWorkflow, updateWorkflow } from './update.ts';
import { createWorkflow, deleteWorkflow, getWorkflow, listWorkflows } from './workflows.ts';

const tags = ['workflows'];

function scope({ database, engine, webhooks, principal }: Context & { principal: Principal }) {
  const { teamId, userId } = principal;
  return { db: database.db, teamId, userId, engine, webhooks, nodeTypes: engine.nodeTypes };
}

export const workflowsRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/workflows', aliases: ['/pipelines'], tags, summary: 'List workflows' },
      permission: 'workflows:read',
    })
    .input(workflowListInput)
    .output(workflowPage)
    .query(({ ctx, input }) => listWorkflows(scope(ctx), input)),

  create: procedure
    .meta({
      openapi: { method: 'POST', path: '/workflows', aliases: ['/pipelines'], tags, summary: 'Create a workflow' },
      permission: 'workflows:write',
      etag: 'revision',
      status: 201,
    })
    .input(workflowCreateInput)
    .output(workflow)
    .mutation(once(({ ctx, input }) => createWorkflow(scope(ctx), input))),

  get: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}',
        aliases: ['/pipelines/{id}'],
        tags,
        summary: 'Get a workflow',
      },
      permission: 'workflows:read',
      etag: 'revision',
    })
    .input(workflowGetInput)
    .output(workflow)
    .query(({ ctx, input }) => getWorkflow(ctx.database, ctx.principal.teamId, input.id)),

  update: procedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/workflows/{id}',
        aliases: ['/pipelines/{id}'],
        tags,
        summary: 'Change a workflow’s draft',
        description: 'What is absent stays as it is.',
      },
      permission: 'workflows:write',
      etag: 'revision',
    })
    .input(workflowUpdateInput)
    .output(workflow)
    .mutation(once(({ ctx, input }) => updateWorkflow(scope(ctx), input))),

  replace: procedure
    .meta({
      openapi: {
        method: 'PUT',
        path: '/workflows/{id}',
        aliases: ['/pipelines/{id}'],
        tags,
        summary: 'Replace a workflow’s draft',
        description: 'Takes what GET answers: what is not the caller’s to set is left as it is.',
      },
      permission: 'workflows:write',
      etag: 'revision',
    })
    .input(workflowReplaceInput)
    .output(workflow)
    .mutation(once(({ ctx, input }) => replaceWorkflow(scope(ctx), input))),

  delete: procedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/workflows/{id}',
        aliases: ['/pipelines/{id}'],
        tags,
        summary: 'Delete a workflow, its versions and its executions',
      },
      permission: 'workflows:write',
      etag: 'revision',
      status: 204,
    })
    .input(workflowDeleteInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => deleteWorkflow(scope(ctx), input))),

  publish: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/publish',
        aliases: ['/pipelines/{id}/publish'],
        tags,
        summary: 'Publish the draft as a new version',
      },
      permission: 'workflows:write',
      etag: 'revision',
    })
    .input(workflowPublishInput)
    .output(workflow)
    .mutation(once(({ ctx, input }) => publishWorkflow(scope(ctx), input))),

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
} satisfies TRPCRouterRecord;
