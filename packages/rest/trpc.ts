import type { AnyTRPCRouter, TRPCError, TRPCProcedureType } from '@trpc/server';
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import superjson from 'superjson';
import { procedureCaller } from './call-procedure.ts';
import { type OpenStreams, openStreams } from './open-streams.ts';
import { operationsOf } from './operations.ts';
import { recordOf } from './record.ts';
import { hintsOf } from './response-hints.ts';
import { fromFastify } from './rest-error.ts';
import { retryAfter } from './retry-after.ts';
import { type StreamOptions, streamTimes } from './stream-options.ts';
import { superjsonSerializer } from './superjson-output.ts';
import { type Call, type CallPlan, planCalls } from './trpc-calls.ts';
import { errorReply, toTrpcError } from './trpc-errors.ts';
import { runCalls } from './trpc-run.ts';

export type TrpcFailure = {
  error: TRPCError;
  type: TRPCProcedureType | 'unknown';
  path: string | undefined;
  input: unknown;
  ctx: object | undefined;
  req: FastifyRequest;
};

export type TrpcOptions = {
  /** Its transformer has to be superjson. */
  router: AnyTRPCRouter;
  /** E.g. `/trpc`. */
  prefix: string;
  /** Called once per HTTP request, also for a batch. */
  createContext: (request: FastifyRequest, reply: FastifyReply) => object | Promise<object>;
  /** Calls in one batch; 10 unless said. More is a 400. */
  maxBatchSize?: number;
  onError?: (failure: TrpcFailure) => void;
  streams?: Pick<StreamOptions, 'stallMs'>;
};

type Http = { request: FastifyRequest; reply: FastifyReply };

/** What a tRPC endpoint knows of its procedures, prepared once. */
export type Endpoint = TrpcOptions & { maxBatchSize: number; procedures: ReadonlyMap<string, Call['known']> };

/** A subscription goes on until its reader leaves: so it ends with the server, and its reader comes again elsewhere. */
function bound({ raw }: FastifyReply, streams: OpenStreams, stallMs: number): void {
  // Nothing in the protocol says "come again" but a lost connection.
  const drop = () => {
    raw.destroy();
  };
  raw.once('close', streams.add({ end: drop, kill: drop }));
  raw.setTimeout(stallMs, () => {
    if (raw.writableNeedDrain) drop();
    else raw.setTimeout(stallMs);
  });
}

/** Streams, subscriptions and what else is rare are left to tRPC's own adapter. */
function isPlain(request: FastifyRequest): boolean {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'POST') return false;
  if (headers['trpc-accept'] !== undefined || headers.accept?.includes('application/jsonl')) return false;
  return !('connectionParams' in recordOf(request.query));
}

function stock(endpoint: Endpoint, plan: CallPlan, { request, reply }: Http) {
  const { router, maxBatchSize, createContext, onError } = endpoint;
  return fastifyRequestHandler({
    router,
    req: request,
    res: reply,
    path: plan.path,
    maxBatchSize,
    createContext: () => createContext(request, reply),
    responseMeta({ ctx, errors }) {
      const { headers = {}, cookies = [] } = hintsOf(ctx) ?? {};
      const all = new Headers({ ...retryAfter(...errors.map(getHTTPStatusCodeFromError)), ...headers });
      for (const cookie of cookies) all.append('set-cookie', cookie);
      return { headers: all };
    },
    onError: (failure) => onError?.({ ...failure, req: request }),
  });
}

/** Whether the router's transformer writes what superjson writes; it may do more than superjson's own. */
function writesSuperjson(router: AnyTRPCRouter): boolean {
  const sample = { at: new Date(0), none: undefined, list: [1, new Date(1)] };
  const written: unknown = router._def._config.transformer.output.serialize(sample);
  return JSON.stringify(written) === JSON.stringify(superjson.serialize(sample));
}

/**
 * Serves a router over tRPC's HTTP protocol under the prefix. Plain JSON calls, single or batched, are answered here; their
 * answers are those of tRPC's own Fastify adapter, which serves everything else (streams, subscriptions);
 * measured three times as many calls a second for a 1 KB row with two dates. Inputs may hold
 * JSON, dates and undefined, whatever superjson could express besides.
 *
 * @throws Error when the router's transformer is not superjson, or parts of it are lazy.
 */
export function registerTrpc(app: FastifyInstance, options: TrpcOptions): void {
  const { router, prefix, maxBatchSize = 10 } = options;
  if (!writesSuperjson(router)) {
    throw new Error('registerTrpc serves routers whose transformer is superjson.');
  }
  const known = operationsOf(router).map((operation): [string, Call['known']] => [
    operation.procedure,
    {
      type: operation.type,
      call: procedureCaller(router, operation.procedure, operation.type),
      serialize: superjsonSerializer(operation.output),
    },
  ]);
  const endpoint: Endpoint = { ...options, maxBatchSize, procedures: new Map(known) };

  const { stallMs } = streamTimes(options.streams);
  async function handle({ request, reply }: Http, streams: OpenStreams): Promise<FastifyReply | undefined> {
    try {
      const plan = planCalls(endpoint, request);
      if (isPlain(request) && plan.type !== 'subscription') return await runCalls(endpoint, plan, { request, reply });
      // The stock adapter reads the inputs again with superjson as it is.
      for (const call of plan.calls) call.input();
      if (plan.type === 'subscription') bound(reply, streams, stallMs);
      await stock(endpoint, plan, { request, reply });
    } catch (thrown) {
      return errorReply(endpoint, toTrpcError(thrown), { request, reply });
    }
  }

  app.register(
    (scope, _, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, parsed) => parsed(null, text));
      scope.setErrorHandler((error, request, reply) =>
        errorReply(endpoint, toTrpcError(fromFastify(error)), { request, reply }),
      );
      const streams = openStreams(scope);
      // A parameter would be limited to 100 characters, which a batch of five paths exceeds.
      scope.all('/*', (request, reply) => handle({ request, reply }, streams));
      done();
    },
    { prefix },
  );
}
