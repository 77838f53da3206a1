import { Refusal } from '@flowplane/contract/errors';
import { authenticate } from '@flowplane/server/auth/authenticate';
import { isCrossSite } from '@flowplane/server/auth/sessions/same-site';
import type { Context, Principal } from '@flowplane/server/context';
import { countAddress, requestLimits } from '@flowplane/server/limits/count-call';
import type { Limiter } from '@flowplane/server/limits/limiter';
import { asTrpcError } from '@flowplane/server/trpc-error';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { countInto } from './count-into.ts';
import type { Services } from './services.ts';

type Http = { request: FastifyRequest; reply: FastifyReply };

/** A WebSocket is opened by a GET only in HTTP/1.1; it is CONNECT after that (RFC 8441), and no mere read for other sites' pages. */
function methodOf(request: FastifyRequest): string {
  return request.ws ? 'CONNECT' : request.method;
}

/** Credentials that are no good count against the address, so that nobody tries them without end. */
function refuse(limiter: Limiter | undefined, error: unknown, { request, reply }: Http): never {
  if (!(error instanceof Refusal)) throw asTrpcError(error);
  try {
    countInto(reply, (headers) => countAddress(limiter, request.ip, headers));
  } catch (limited) {
    throw asTrpcError(limited);
  }
  throw asTrpcError(error);
}

/**
 * What a request's procedures receive; not a promise when the caller is known already.
 *
 * @throws TRPCError, also as a rejection, for credentials that are no good.
 */
export function contextOf(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
): Context | Promise<Context> {
  const { database, engine, auth, webhooks, vault, limiter } = services;
  const key = request.headers['idempotency-key'];
  const idempotencyKey = Array.isArray(key) ? key.join() : key;
  const method = methodOf(request);
  const build = (principal: Principal | undefined): Context => {
    request.userId = principal?.userId ?? null;
    return {
      database,
      engine,
      auth,
      webhooks,
      vault,
      principal,
      limits: limiter && requestLimits(limiter),
      authenticateAgain: async () => authenticate(auth, request.headers, method),
      request: {
        id: request.id,
        ip: request.ip,
        userAgent: request.headers['user-agent'],
        idempotencyKey,
        isCrossSite: isCrossSite(auth, request.headers),
      },
      response: { headers: {}, cookies: [] },
    };
  };
  const refused = (error: unknown) => refuse(limiter, error, { request, reply });
  try {
    const principal = authenticate(auth, request.headers, method);
    return principal instanceof Promise ? principal.then(build, refused) : build(principal);
  } catch (error) {
    return refused(error);
  }
}
