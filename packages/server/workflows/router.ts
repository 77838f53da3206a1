import {
  workflow,
  workflowCreateInput,
  workflowDeleteInput,
  workflowGetInput,
  workflowListInput,
  workflowPage,
  workflowReplaceInput,
  workflowUpdateInput,
} from '@flowplane/contract/workflow';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { withinQuota } from '../auth/guests/quota.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { deleteWorkflow } from './delete.ts';
import { runProcedures } from './runs-router.ts';
import { scope } from './scope.ts';
import { transferProcedures } from './transfer-router.ts';
import { replaceWorkflow, updateWorkflow } from './update.ts';
import { versionProcedures } from './versions-router.ts';
import { createWorkflow, getWorkflow, listWorkflows } from './workflows.ts';

const tags = ['workflows'];

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
      errors: ['invalid_workflow', 'quota_reached'],
    })
    .input(workflowCreateInput)
    .output(workflow)
    .mutation(
      once(({ ctx, input }) => withinQuota(ctx, 'workflows', (within) => createWorkflow(scope(within), input))),
    ),

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
      errors: ['invalid_workflow'],
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
      errors: ['invalid_workflow'],
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
        description: 'Refused while executions of it are under way, unless `force` is true: they are cancelled then.',
      },
      permission: 'workflows:write',
      etag: 'revision',
      errors: ['workflow_in_use'],
      status: 204,
    })
    .input(workflowDeleteInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => deleteWorkflow(scope(ctx), input))),

  ...versionProcedures,
  ...runProcedures,
  ...transferProcedures,
} satisfies TRPCRouterRecord;
