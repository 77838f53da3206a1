import { BlockList, isIP } from 'node:net';
import { problemOf } from '@flowplane/contract/errors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(ip: string): boolean {
  const kind = isIP(ip);
  return kind !== 0 && loopback.check(ip, kind === 4 ? 'ipv4' : 'ipv6');
}

/** Probes of an orchestrator come over plain HTTP, and tell nobody a secret. */
const probes = new Set(['/health', '/ready']);

function isSafe(request: FastifyRequest): boolean {
  if (request.protocol === 'https' || isLoopback(request.ip)) return true;
  return probes.has(request.url.split('?', 1)[0] ?? '');
}

/**
 * Refuses what comes over plain HTTP from another machine, credentials and all, so that nobody gets used to it. A trusted proxy says by
 * `X-Forwarded-Proto` how it was called.
 */
export function requireHttps(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (isSafe(request)) return done();
    const advice =
      'This instance answers over HTTPS only: use https://. Operators: see HTTPS_REQUIRED and TRUSTED_PROXIES.';
    const problem = problemOf('forbidden', advice, { requestId: request.id });
    reply.code(problem.status).type('application/problem+json').header('x-request-id', request.id);
    reply.send(JSON.stringify(problem));
  });
}
