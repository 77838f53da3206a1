import type { Auth } from '@flowplane/server/auth/auth';
import { publicKeys } from '@flowplane/server/auth/tokens/key-ring';
import { jwksMaxAge } from '@flowplane/server/auth/tokens/key-rotation';
import type { FastifyInstance } from 'fastify';

/** `GET /.well-known/jwks.json`: the keys with which anybody verifies our access tokens. */
export function registerWellKnown(app: FastifyInstance, auth: Auth): void {
  app.get('/.well-known/jwks.json', async (request, reply) => {
    reply.header('cache-control', `public, max-age=${jwksMaxAge}`).header('x-request-id', request.id);
    return reply.type('application/jwk-set+json').send(JSON.stringify(await publicKeys(auth.keys)));
  });
}
