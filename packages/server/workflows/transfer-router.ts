import { workflow } from '@flowplane/contract/workflow';
import { workflowExport, workflowExportInput, workflowImportInput } from '@flowplane/contract/workflow-export';
import { workflowValidateInput, workflowValidation } from '@flowplane/contract/workflow-validate';
import type { TRPCRouterRecord } from '@trpc/server';
import { withinQuota } from '../auth/guests/quota.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { exportWorkflow } from './export.ts';
import { importWorkflow } from './import.ts';
import { scope } from './scope.ts';
import { validateDefinition } from './validate.ts';

const tags = ['workflows'];

/** Definitions that come from elsewhere, or go there. */
export const transferProcedures = {
  validate: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/validate',
        aliases: ['/pipelines/validate'],
        tags,
        summary: 'Check a definition without saving it',
        description: 'What is wrong with it is the answer, not an error.',
      },
      permission: 'workflows:write',
      audit: false,
    })
    .input(workflowValidateInput)
    .output(workflowValidation)
    .mutation(once(({ ctx, input }) => validateDefinition(scope(ctx), input))),

  export: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/workflows/{id}/export',
        aliases: ['/pipelines/{id}/export'],
        tags,
        summary: 'Export a workflow’s draft',
        description: 'As a document for `import`, here or elsewhere: credentials are in it by name and kind only.',
      },
      permission: 'workflows:read',
      errors: ['invalid_workflow'],
    })
    .input(workflowExportInput)
    .output(workflowExport)
    .query(({ ctx, input }) => exportWorkflow(scope(ctx), input)),

  import: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/workflows/import',
        aliases: ['/pipelines/import'],
        tags,
        summary: 'Make a workflow of an exported one',
        description:
          'Takes what `export` answered. Each credential is the one that `mapping` names, or else the only one of its name and kind.',
      },
      permission: 'workflows:write',
      etag: 'revision',
      status: 201,
      location: '/workflows/{id}',
      errors: ['invalid_workflow', 'unmapped_credentials', 'quota_reached'],
    })
    .input(workflowImportInput)
    .output(workflow)
    .mutation(
      once(({ ctx, input }) => withinQuota(ctx, 'workflows', (within) => importWorkflow(scope(within), input))),
    ),
} satisfies TRPCRouterRecord;
