import { Refusal } from '@flowplane/contract/errors';
import { countAddress } from '@flowplane/server/limits/count-call';
import { countHook } from '@flowplane/server/limits/count-hook';
import type { Limiter } from '@flowplane/server/limits/limiter';
import type { FastifyInstance } from 'fastify';
import { countInto } from './count-into.ts';

/**
 * Limits how often the webhooks of a scope are called, each by each address. Where there is no webhook, a call counts as one without
 * signing in besides, so that nobody finds webhooks by trying.
 */
export function limitHooks(scope: FastifyInstance, limiter: Limiter | undefined): void {
  if (!limiter) return;
  scope.addHook<{ Params: { slug?: string; '*'?: string } }>('onRequest', async (request, reply) => {
    const { slug = '', '*': path = '' } = request.params;
    const call = { ip: request.ip, hook: { slug, method: request.method, path } };
    countInto(reply, (headers) => countHook(limiter, call, headers));
  });
  scope.setErrorHandler((error, request, reply) => {
    if (error instanceof Refusal && error.code === 'not_found') {
      countInto(reply, (headers) => countAddress(limiter, request.ip, headers));
    }
    throw error;
  });
}
