import { getTRPCErrorFromUnknown, getTRPCErrorShape, TRPCError, transformTRPCResponse } from '@trpc/server';
import { getHTTPStatusCode } from '@trpc/server/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RestError } from './rest-error.ts';
import { retryAfter } from './retry-after.ts';
import { UnsafeInputError } from './superjson-input.ts';
import type { Endpoint, TrpcFailure } from './trpc.ts';

const codes = {
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
} as const;

function codeOf(status: number): TRPCError['code'] {
  return status === 404 || status === 405 || status === 413 || status === 415 ? codes[status] : 'BAD_REQUEST';
}

/** Whatever was thrown as tRPC's error: refusals of the HTTP layer by their status, bad inputs as BAD_REQUEST. */
export function toTrpcError(thrown: unknown): TRPCError {
  if (thrown instanceof RestError) {
    return new TRPCError({ code: codeOf(thrown.status), message: thrown.message, cause: thrown });
  }
  if (thrown instanceof UnsafeInputError) {
    return new TRPCError({ code: 'BAD_REQUEST', message: thrown.message, cause: thrown });
  }
  return getTRPCErrorFromUnknown(thrown);
}

/** The error as the router's formatter shapes it. */
export function errorResponse({ router }: Endpoint, failure: Omit<TrpcFailure, 'req'>) {
  const shape = getTRPCErrorShape({ config: router._def._config, ...failure });
  return { error: shape };
}

/** Answers a request that failed as a whole, before its calls were known. */
export function errorReply(
  endpoint: Endpoint,
  error: TRPCError,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): FastifyReply {
  const failure = { error, type: 'unknown' as const, path: undefined, input: undefined, ctx: undefined };
  endpoint.onError?.({ ...failure, req: request });
  const response = errorResponse(endpoint, failure);
  const body = JSON.stringify(transformTRPCResponse(endpoint.router._def._config, response));
  const status = getHTTPStatusCode(response, [error]);
  return sendJson(reply.headers(retryAfter(status)), status, body);
}

function asIs(text: string): string {
  return text;
}

/** Sends JSON text with the headers of tRPC's own adapter (without a serializer Fastify would append a charset). */
export function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply
    .code(status)
    .header('vary', 'trpc-accept, accept')
    .header('content-type', 'application/json')
    .serializer(asIs)
    .send(body);
}
