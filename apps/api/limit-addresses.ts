import { countAddress } from '@flowplane/server/limits/count-call';
import type { Limiter } from '@flowplane/server/limits/limiter';
import type { FastifyInstance } from 'fastify';
import { countInto } from './count-into.ts';

/** Counts every request of a scope where nobody signs in against its address. */
export function limitAddresses(scope: FastifyInstance, limiter: Limiter | undefined): void {
  scope.addHook('onRequest', async (request, reply) => {
    countInto(reply, (headers) => countAddress(limiter, request.ip, headers));
  });
}
