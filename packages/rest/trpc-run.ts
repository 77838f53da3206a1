import { TRPCError, transformTRPCResponse } from '@trpc/server';
import { getHTTPStatusCode, getHTTPStatusCodeFromError } from '@trpc/server/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { abortSignal } from './abort-signal.ts';
import { hintsOf } from './response-hints.ts';
import { retryAfter } from './retry-after.ts';
import type { Endpoint } from './trpc.ts';
import type { Call, CallPlan } from './trpc-calls.ts';
import { errorResponse, sendJson, toTrpcError } from './trpc-errors.ts';

type Http = { request: FastifyRequest; reply: FastifyReply };
type Context = { value: object } | { error: unknown };
type Result = { text: string } | { error: TRPCError };

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Outputs that only a streaming link can carry. */
function isStream(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return isAsyncIterable(value) || Object.values(value).some((one) => isPromise(one) || isAsyncIterable(one));
}

function refuseStream(output: unknown): void {
  if (!isStream(output)) return;
  const message = 'Cannot use stream-like response in non-streaming request - use httpBatchStreamLink';
  throw new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message });
}

/** The procedure that is called, when this request may. */
function procedureOf({ path, known }: Call, { request, reply }: Http): NonNullable<Call['known']> {
  if (!known) throw new TRPCError({ code: 'NOT_FOUND', message: `No procedure found on path "${path}"` });
  const accepted = known.type === 'mutation' ? 'POST' : 'GET';
  if (request.method === accepted) return known;
  reply.header('allow', accepted);
  const message = `Unsupported ${request.method}-request to ${known.type} procedure at path "${path}"`;
  throw new TRPCError({ code: 'METHOD_NOT_SUPPORTED', message });
}

async function contextOf(endpoint: Endpoint, { request, reply }: Http): Promise<Context> {
  try {
    return { value: await endpoint.createContext(request, reply) };
  } catch (error) {
    return { error };
  }
}

async function readInput(call: Call): Promise<unknown> {
  try {
    return call.input();
  } catch (thrown) {
    throw toTrpcError(thrown);
  }
}

/** Runs the calls of a plan and answers with their results, each an output or an error, as tRPC's own adapter would. */
export async function runCalls(endpoint: Endpoint, plan: CallPlan, http: Http): Promise<FastifyReply> {
  const { router, onError } = endpoint;
  const context = await contextOf(endpoint, http);
  const ctx = 'value' in context ? context.value : undefined;
  const signal = abortSignal(http.reply);

  async function run(call: Call, batchIndex: number): Promise<Result> {
    try {
      const procedure = procedureOf(call, http);
      if ('error' in context) throw context.error;
      const output: unknown = await procedure.call({
        ctx,
        getRawInput: () => readInput(call),
        signal,
        batchIndex,
      });
      refuseStream(output);
      return { text: `{"result":{"data":${procedure.serialize(output)}}}` };
    } catch (thrown) {
      const error = toTrpcError(thrown);
      const type = call.known?.type ?? 'unknown';
      onError?.({ error, type, path: call.path, input: call.inputSoFar(), ctx, req: http.request });
      return { error };
    }
  }

  const results = await Promise.all(plan.calls.map(run));
  const failures = results.map((result, index) => {
    const call = plan.calls[index];
    if (!('error' in result) || !call) return { result: { data: undefined } };
    const type = call.known?.type ?? 'unknown';
    return errorResponse(endpoint, { error: result.error, type, path: call.path, input: call.inputSoFar(), ctx });
  });
  const errors = results.map((result) => ('error' in result ? result.error : undefined));
  const status = getHTTPStatusCode(failures, errors);
  const texts = results.map((result, index) => {
    const failure = failures[index];
    if ('text' in result || !failure) return 'text' in result ? result.text : '';
    return JSON.stringify(transformTRPCResponse(router._def._config, failure));
  });
  // Of a batch also where others of its calls succeeded.
  http.reply.headers(retryAfter(...errors.flatMap((error) => (error ? getHTTPStatusCodeFromError(error) : []))));
  const hints = hintsOf(ctx);
  if (hints) http.reply.headers(hints.headers);
  if (hints?.cookies?.length) http.reply.header('set-cookie', hints.cookies);
  return sendJson(http.reply, status, plan.isBatch ? `[${texts.join(',')}]` : (texts[0] ?? ''));
}
