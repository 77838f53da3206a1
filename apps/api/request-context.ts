import { authenticate } from '@flowplane/server/auth/authenticate';
import type { Context, Principal } from '@flowplane/server/context';
import { asTrpcError } from '@flowplane/server/trpc-error';
import type { FastifyRequest } from 'fastify';
import type { Services } from './services.ts';

function refuse(error: unknown): never {
  throw asTrpcError(error);
}

/**
 * What a request's procedures receive; not a promise when the caller is known already.
 *
 * @throws TRPCError, also as a rejection, for credentials that are no good.
 */
export function contextOf(services: Services, request: FastifyRequest): Context | Promise<Context> {
  const { database, engine, auth, webhooks } = services;
  const key = request.headers['idempotency-key'];
  const idempotencyKey = Array.isArray(key) ? key.join() : key;
  const build = (principal: Principal | undefined): Context => {
    request.userId = principal?.userId ?? null;
    return {
      database,
      engine,
      auth,
      webhooks,
      principal,
      request: { id: request.id, ip: request.ip, userAgent: request.headers['user-agent'], idempotencyKey },
      response: { headers: {}, cookies: [] },
    };
  };
  try {
    const principal = authenticate(auth, request.headers, request.method);
    return principal instanceof Promise ? principal.then(build, refuse) : build(principal);
  } catch (error) {
    return refuse(error);
  }
}
