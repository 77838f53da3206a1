import { errorCodes, type Problem, Refusal } from '@flowplane/contract/errors';
import type { Permission } from '@flowplane/contract/permissions';
import { isTransient } from '@flowplane/db/retry';
import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import type { Context } from './context.ts';
import { problemOfError } from './problem.ts';

/** What every procedure declares; REST, OpenAPI, permissions and the SDK are derived from it. */
export type Meta = {
  openapi?: {
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    path: `/${string}`;
    /** Further paths that answer the same. */
    aliases?: `/${string}`[];
    tags: string[];
    summary: string;
    description?: string;
  };
  /** What the caller must be allowed to do; `public` needs no sign-in. */
  permission?: Permission | 'public';
  /** The status of success, where it is not 200 (204 without output). */
  status?: 200 | 201 | 202 | 204;
  /** Where the result lives, filled from the output, e.g. `/executions/{id}`. */
  location?: `/${string}`;
  /** The output's field that changes with it: its `ETag`, which `If-Match` puts into the same field of the input. */
  etag?: string;
};

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    transformer: superjson,
    errorFormatter({ shape, error, ctx }): typeof shape & { data: { problem: Problem } } {
      const problem = problemOfError(error, ctx?.request.id ?? 'unknown');
      const { stack: _, ...data } = shape.data;
      return { ...shape, message: problem.detail, data: { ...data, problem } };
    },
  });

export const { router } = t;

/** Maps what plain functions throw to tRPC's codes: the only place where that happens. */
const refusals = t.middleware(async ({ next }) => {
  const result = await next();
  if (!result.ok && result.error.cause instanceof Refusal) {
    const { cause } = result.error;
    throw new TRPCError({ code: errorCodes[cause.code].trpc, message: cause.message, cause });
  }
  if (!result.ok && isTransient(result.error.cause)) {
    const { message, cause } = result.error;
    throw new TRPCError({ code: errorCodes.unavailable.trpc, message, cause });
  }
  return result;
});

/** A procedure that anybody may call. */
export const publicProcedure = t.procedure.use(refusals);

/** A procedure for a signed-in caller who has the permission that its meta names. */
export const procedure = publicProcedure.use(({ ctx, meta, next }) => {
  const { principal } = ctx;
  if (!principal) {
    throw new Refusal('unauthenticated', 'Send an access token, an API key or a session cookie.');
  }
  const permission = meta?.permission;
  if (permission && permission !== 'public' && !principal.permissions.has(permission)) {
    throw new Refusal(
      'forbidden',
      `This needs the permission ${permission}, which ${principal.kind === 'apiKey' ? 'the API key' : 'your role'} does not have.`,
    );
  }
  return next({ ctx: { principal } });
});
