import type { AnyTRPCRouter, TRPCError, TRPCProcedureType } from '@trpc/server';
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import superjson from 'superjson';
import { operationsOf } from './operations.ts';
import { recordOf } from './record.ts';
import { fromFastify } from './rest-error.ts';
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
};

/** What a tRPC endpoint knows of its procedures, prepared once. */
export type Endpoint = TrpcOptions & { maxBatchSize: number; procedures: ReadonlyMap<string, Call['known']> };

/** Streams, subscriptions and what else is rare are left to tRPC's own adapter. */
function isPlain(request: FastifyRequest): boolean {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'POST') return false;
  if (headers['trpc-accept'] !== undefined || headers.accept?.includes('application/jsonl')) return false;
  return !('connectionParams' in recordOf(request.query));
}

function stock(
  endpoint: Endpoint,
  plan: CallPlan,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
) {
  const { router, maxBatchSize, createContext, onError } = endpoint;
  return fastifyRequestHandler({
    router,
    req: request,
    res: reply,
    path: plan.path,
    maxBatchSize,
    createContext: () => createContext(request, reply),
    onError: (failure) => onError?.({ ...failure, req: request }),
  });
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
  if (router._def._config.transformer.output.serialize !== superjson.serialize) {
    throw new Error('registerTrpc serves routers whose transformer is superjson.');
  }
  const known = operationsOf(router).map((operation): [string, Call['known']] => [
    operation.procedure,
    { type: operation.type, serialize: superjsonSerializer(operation.output) },
  ]);
  const endpoint: Endpoint = { ...options, maxBatchSize, procedures: new Map(known) };

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    try {
      const plan = planCalls(endpoint, request);
      if (isPlain(request) && plan.type !== 'subscription') return await runCalls(endpoint, plan, { request, reply });
      // The stock adapter reads the inputs again with superjson as it is.
      for (const call of plan.calls) call.input();
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
      // A parameter would be limited to 100 characters, which a batch of five paths exceeds.
      scope.all('/*', handle);
      done();
    },
    { prefix },
  );
}
