import { nodeTypeList } from '@flowplane/contract/node-type';
import type { TRPCRouterRecord } from '@trpc/server';
import { procedure } from '../trpc.ts';
import { listNodeTypes } from './node-types.ts';

export const nodeTypesRouter = {
  list: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/node-types',
        tags: ['workflows'],
        summary: 'List the types of nodes',
        description: 'What an editor needs to offer them: params as JSON Schema, defaults, outputs and an example.',
      },
      permission: 'workflows:read',
    })
    .output(nodeTypeList)
    .query(({ ctx }) => listNodeTypes(ctx.engine.nodeTypes)),
} satisfies TRPCRouterRecord;
