import { workflow, workflowPublishInput } from '@flowplane/contract/workflow';
import { workflowDiff, workflowDiffInput } from '@flowplane/contract/workflow-diff';
import {
  workflowRollbackInput,
  workflowUnpublishInput,
  workflowVersion,
  workflowVersionInput,
  workflowVersionPage,
  workflowVersionsInput,
} from '@flowplane/contract/workflow-version';
import type { TRPCRouterRecord } from '@trpc/server';
import { withinQuota } from '../auth/guests/quota.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { diffWorkflow } from './diff.ts';
import { publishWorkflow } from './publish.ts';
import { rollBackWorkflow } from './rollback.ts';
import { scope } from './scope.ts';
import { unpublishWorkflow } from './unpublish.ts';
import { getVersion, listVersions } from './versions.ts';

const tags = ['workflows'];

/** Publishing, and what was published. */
export const versionProcedures = {
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
      errors: ['invalid_workflow', 'quota_reached'],
    })
    .input(workflowPublishInput)
    .output(workflow)
    .mutation(
      once(({ ctx, input }) => withinQuota(ctx, 'versions', (within) => publishWorkflow(scope(within), input))),
    ),

  unpublish: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/unpublish',
        aliases: ['/pipelines/{id}/unpublish'],
        tags,
        summary: 'Take the published version back',
        description: 'Its triggers start nothing any more. What is under way goes on, and every version stays.',
      },
      permission: 'workflows:write',
      etag: 'revision',
      exampleFields: { 200: { publishedVersion: null } },
    })
    .input(workflowUnpublishInput)
    .output(workflow)
    .mutation(once(({ ctx, input }) => unpublishWorkflow(scope(ctx), input))),

  rollback: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/{id}/rollback',
        aliases: ['/pipelines/{id}/rollback'],
        tags,
        summary: 'Publish an earlier version again',
        description: 'Its definition becomes the draft and is published as a new version; no version is ever changed.',
      },
      permission: 'workflows:write',
      etag: 'revision',
      errors: ['invalid_workflow', 'quota_reached'],
    })
    .input(workflowRollbackInput)
    .output(workflow)
    .mutation(
      once(({ ctx, input }) => withinQuota(ctx, 'versions', (within) => rollBackWorkflow(scope(within), input))),
    ),

  versions: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}/versions',
        aliases: ['/pipelines/{id}/versions'],
        tags,
        summary: 'List a workflow’s versions, newest first',
      },
      permission: 'workflows:read',
    })
    .input(workflowVersionsInput)
    .output(workflowVersionPage)
    .query(({ ctx, input }) => listVersions(scope(ctx), input)),

  version: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}/versions/{version}',
        aliases: ['/pipelines/{id}/versions/{version}'],
        tags,
        summary: 'Get a version with its definition',
      },
      permission: 'workflows:read',
    })
    .input(workflowVersionInput)
    .output(workflowVersion)
    .query(({ ctx, input }) => getVersion(scope(ctx), input)),

  diff: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}/diff',
        aliases: ['/pipelines/{id}/diff'],
        tags,
        summary: 'Compare two versions, or one with the draft',
      },
      permission: 'workflows:read',
    })
    .input(workflowDiffInput)
    .output(workflowDiff)
    .query(({ ctx, input }) => diffWorkflow(scope(ctx), input)),
} satisfies TRPCRouterRecord;
