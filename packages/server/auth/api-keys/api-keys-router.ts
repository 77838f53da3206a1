import {
  apiKeyCreateInput,
  apiKeyImported,
  apiKeyImportInput,
  apiKeyListInput,
  apiKeyPage,
  apiKeyRevokeInput,
  apiKeyRotateInput,
  apiKeyWithSecret,
} from '@flowplane/contract/auth';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { once } from '../../idempotency/once.ts';
import { procedure } from '../../trpc.ts';
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts';
import { importApiKeys } from './import-api-keys.ts';
import { rotateApiKey } from './rotate-api-key.ts';

const tags = ['auth'];

export const apiKeysRouter = {
  create: procedure
    .meta({
      openapi: { method: 'POST', path: '/auth/api-keys', tags, summary: 'Create an API key; it is shown only once' },
      permission: 'api-keys:write',
      status: 201,
      errors: ['quota_reached'],
    })
    .input(apiKeyCreateInput)
    .output(apiKeyWithSecret)
    .mutation(once(({ ctx, input }) => createApiKey(ctx.auth, ctx.principal, input))),

  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/auth/api-keys', tags, summary: 'List the API keys of the caller' },
      permission: 'api-keys:read',
    })
    .input(apiKeyListInput)
    .output(apiKeyPage)
    .query(({ ctx, input }) => listApiKeys(ctx.auth, ctx.principal, input)),

  revoke: procedure
    .meta({
      openapi: { method: 'DELETE', path: '/auth/api-keys/{id}', tags, summary: 'Revoke an API key' },
      permission: 'api-keys:write',
      status: 204,
    })
    .input(apiKeyRevokeInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => revokeApiKey(ctx.auth, ctx.principal, input))),

  rotate: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/api-keys/{id}/rotate',
        tags,
        summary: 'Give an API key a new secret; it is shown only once',
        description: 'The old secret stops working at once, or `overlapSeconds` later.',
      },
      permission: 'api-keys:write',
    })
    .input(apiKeyRotateInput)
    .output(apiKeyWithSecret)
    .mutation(once(({ ctx, input }) => rotateApiKey(ctx.auth, ctx.principal, input))),

  import: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/api-keys/import',
        tags,
        summary: 'Take over API keys from elsewhere by their hashes',
        description:
          'Only for the owner of the instance. The keys become keys of the caller, and are sent as `X-API-Key`; they must have ' +
          'been random.',
      },
      permission: 'api-keys:write',
      status: 201,
      location: '/auth/api-keys',
      errors: ['conflict', 'quota_reached'],
    })
    .input(apiKeyImportInput)
    .output(apiKeyImported)
    .mutation(once(({ ctx, input }) => importApiKeys(ctx.auth, ctx.principal, input))),
} satisfies TRPCRouterRecord;
