import { type ErrorCode, type Problem, Refusal } from '@flowplane/contract/errors';
import type { Permission } from '@flowplane/contract/permissions';
import { initTRPC, type TRPCError } from '@trpc/server';
import { noteRefusal } from './audit/refusals.ts';
import type { AuditRule } from './audit/resource.ts';
import { callerIn } from './auth/named-team.ts';
import type { Context, Principal } from './context.ts';
import { countCall } from './limits/count-call.ts';
import { problemOfError } from './problem.ts';
import { transformer } from './transformer.ts';
import { asTrpcError } from './trpc-error.ts';

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
  /** The input's `id` names the team that it is about: the caller's permissions are those that they have there. */
  ofTeam?: true;
  /** Calls per minute of one caller of the tier `basic`; others have a multiple (`contract/tiers.ts`). Beside what all calls have. */
  limit?: number;
  /** The status of success, where it is not 200 (204 without output). */
  status?: 200 | 201 | 202 | 204;
  /** A further status of success, which the resolver chooses by the context's `response.status`. */
  otherStatus?: 200 | 201 | 202 | 204;
  /** What the document says about a status of success. */
  statusDescriptions?: { 200?: string; 201?: string; 202?: string; 204?: string };
  /** Fields of the document's example of an answer, by its status, where those of the contract's examples do not fit. */
  exampleFields?: { 200?: object; 201?: object; 202?: object };
  /** Where the result lives, filled from the output, e.g. `/executions/{id}`. */
  location?: `/${string}`;
  /**
   * How a mutation is audited, where the resource is not what the router is called or its id not in the field `id`; `false` where it
   * is not, because what it makes is the record. Refusals always are.
   */
  audit?: AuditRule;
  /** The codes that it answers with besides the usual ones (`usual-errors.ts`). */
  errors?: ErrorCode[];
  /** The output's field that changes with it: its `ETag`, which `If-Match` puts into the same field of the input. */
  etag?: string;
  /** A subscription's path as a WebSocket, outside of the prefix: `/ws/logs/{id}`. */
  websocket?: `/${string}`;
  /** The version in its REST path, `/api/v2/…`; 1 unless said. Twins of different versions may have the same path. */
  version?: number;
  /** It works still, but answers say that it goes. The days are ISO dates; `use` names a procedure or a path to use instead. */
  deprecated?: { since: string; sunset?: string; use?: string };
};

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    transformer,
    // A connection that is silent for the time of three pings is taken for lost.
    sse: { ping: { enabled: true, intervalMs: 15_000 }, client: { reconnectAfterInactivityMs: 45_000 } },
    errorFormatter({ shape, error, ctx }): typeof shape & { data: { problem: Problem } } {
      const problem = problemOfError(error, ctx?.request.id ?? 'unknown');
      const { stack: _, ...data } = shape.data;
      return { ...shape, message: problem.detail, data: { ...data, problem } };
    },
  });

export const { router } = t;

function mapped<Result extends { ok: true } | { ok: false; error: TRPCError }>(result: Result): Result {
  if (result.ok) return result;
  throw asTrpcError(result.error);
}

function allowed(principal: Principal | undefined, permission: Meta['permission']): Principal {
  if (!principal) {
    throw asTrpcError(new Refusal('unauthenticated', 'Send an access token, an API key or a session cookie.'));
  }
  if (permission && permission !== 'public' && !principal.permissions.has(permission)) {
    const whose = principal.kind === 'apiKey' ? 'the API key' : 'your role';
    throw asTrpcError(
      new Refusal('forbidden', `This needs the permission ${permission}, which ${whose} does not have.`),
    );
  }
  return principal;
}

/** Counts a call before anything is done for it. */
function count(ctx: Context, path: string, meta: Meta | undefined): void {
  try {
    countCall(ctx, { path, perMinute: meta?.limit });
  } catch (error) {
    throw asTrpcError(error);
  }
}

/** A procedure that anybody may call. */
export const publicProcedure = t.procedure.use(async ({ ctx, path, meta, next }) => {
  count(ctx, path, meta);
  return mapped(await next());
});

/** A procedure for a signed-in caller who has the permission that its meta names. One middleware, as each costs every call. */
export const procedure = t.procedure.use(async ({ ctx, path, meta, next, getRawInput }) => {
  count(ctx, path, meta);
  let caller = ctx.principal;
  // Until it is clear that the caller is in it, the team is what they asked for.
  let rule: AuditRule | undefined = meta?.ofTeam ? { resource: 'team' } : meta?.audit;
  try {
    if (meta?.ofTeam) caller = await callerIn(ctx, getRawInput);
    rule = meta?.audit;
    const principal = allowed(caller, meta?.permission);
    return mapped(await next({ ctx: { principal, audit: rule } }));
  } catch (error) {
    await noteRefusal({ ...ctx, principal: caller }, { action: path, rule, getInput: getRawInput }, error);
    throw error;
  }
});
