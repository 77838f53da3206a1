import {
  credential,
  credentialCreateInput,
  credentialDeleteInput,
  credentialGetInput,
  credentialListInput,
  credentialPage,
  credentialReplaceInput,
  credentialTestInput,
  credentialTestResult,
  credentialUpdateInput,
} from '@flowplane/contract/credential';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { recordDone } from '../audit/done.ts';
import type { Context, Principal } from '../context.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { createCredential, deleteCredential, getCredential, listCredentials } from './credentials.ts';
import { tryCredential } from './try-credential.ts';
import { replaceCredential, updateCredential } from './update.ts';

const tags = ['credentials'];

function scope({ database, vault, principal }: Context & { principal: Principal }) {
  return { db: database.db, teamId: principal.teamId, vault };
}

export const credentialsRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/credentials', tags, summary: 'List credentials' },
      permission: 'credentials:read',
    })
    .input(credentialListInput)
    .output(credentialPage)
    .query(({ ctx, input }) => listCredentials(scope(ctx), input)),

  create: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/credentials',
        tags,
        summary: 'Create a credential',
        description: 'Its values are kept encrypted and never shown again; it is sent to `allowedHosts` only.',
      },
      permission: 'credentials:write',
      etag: 'revision',
      status: 201,
      errors: ['quota_reached'],
    })
    .input(credentialCreateInput)
    .output(credential)
    .mutation(once(({ ctx, input }) => createCredential(scope(ctx), input))),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/credentials/{id}', tags, summary: 'Get a credential, without its values' },
      permission: 'credentials:read',
      etag: 'revision',
    })
    .input(credentialGetInput)
    .output(credential)
    .query(({ ctx, input }) => getCredential(scope(ctx), input.id)),

  update: procedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/credentials/{id}',
        tags,
        summary: 'Change a credential',
        description:
          'What is absent stays as it is. Values are replaced as a whole, and must be given when hosts are added.',
      },
      permission: 'credentials:write',
      etag: 'revision',
      errors: ['credential_unreadable'],
    })
    .input(credentialUpdateInput)
    .output(credential)
    .mutation(once(({ ctx, input }) => updateCredential(scope(ctx), input))),

  replace: procedure
    .meta({
      openapi: {
        method: 'PUT',
        path: '/credentials/{id}',
        tags,
        summary: 'Replace a credential',
        description: 'Takes what GET answers. Values that are absent stay; they must be given when hosts are added.',
      },
      permission: 'credentials:write',
      etag: 'revision',
      errors: ['credential_unreadable'],
    })
    .input(credentialReplaceInput)
    .output(credential)
    .mutation(once(({ ctx, input }) => replaceCredential(scope(ctx), input))),

  delete: procedure
    .meta({
      openapi: { method: 'DELETE', path: '/credentials/{id}', tags, summary: 'Delete a credential and its values' },
      permission: 'credentials:write',
      etag: 'revision',
      status: 204,
    })
    .input(credentialDeleteInput)
    .output(z.void())
    .mutation(once(({ ctx, input }) => deleteCredential(scope(ctx), input))),

  // Not `once`: that would hold a connection to the database for as long as somebody else's server takes.
  test: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/credentials/{id}/test',
        tags,
        summary: 'Send a request with a credential',
        description: 'To an allowed host; says how it went and nothing of what came back.',
      },
      permission: 'credentials:write',
      errors: ['credential_host_not_allowed', 'credential_unreadable'],
    })
    .input(credentialTestInput)
    .output(credentialTestResult)
    .mutation(async (options) => {
      const { ctx, input } = options;
      const result = await tryCredential(ctx.vault, ctx.principal.teamId, input);
      await recordDone(ctx.database.db, options);
      return result;
    }),
} satisfies TRPCRouterRecord;
