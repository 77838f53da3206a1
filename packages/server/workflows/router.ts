import { execution } from '@flowplane/contract/execution';
import {
  workflow,
  workflowCreateInput,
  workflowExecuteInput,
  workflowGetInput,
  workflowListInput,
  workflowPage,
  workflowUpdateInput,
} from '@flowplane/contract/workflow';
import { isFinal } from '@flowplane/engine/execution';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { procedure } from '../trpc.ts';
import { executeWorkflow } from './execute.ts';
import { publishWorkflow } from './publish.ts';
import { createWorkflow, deleteWorkflow, getWorkflow, listWorkflows, updateWorkflow } from './workflows.ts';

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
      status: 201,
    })
    .input(workflowCreateInput)
    .output(workflow)
    .mutation(({ ctx, input }) => createWorkflow(scope(ctx), input)),

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
    })
    .input(workflowGetInput)
    .output(workflow)
    .query(({ ctx, input }) => getWorkflow(scope(ctx), input.id)),

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
    })
    .input(workflowUpdateInput)
    .output(workflow)
    .mutation(({ ctx, input }) => updateWorkflow(scope(ctx), input)),

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
      status: 204,
    })
    .input(workflowGetInput)
    .output(z.void())
    .mutation(({ ctx, input }) => deleteWorkflow(scope(ctx), input.id)),

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
    })
    .input(workflowGetInput)
    .output(workflow)
    .mutation(({ ctx, input }) => publishWorkflow(scope(ctx), input.id)),

  execute: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/execute',
        aliases: ['/pipelines/{id}/execute'],
        tags,
        summary: 'Run a workflow',
        description: '202 with the execution as it is, or 200 when it finished within `wait` seconds.',
      },
      permission: 'workflows:execute',
      status: 202,
      location: '/executions/{id}',
    })
    .input(workflowExecuteInput)
    .output(execution)
    .mutation(async ({ ctx, input }) => {
      const started = await executeWorkflow(scope(ctx), input);
      if (isFinal(started.status)) ctx.response.status = 200;
      return started;
    }),
} satisfies TRPCRouterRecord;
