import type { FastifyReply } from 'fastify';

/**
 * A signal that aborts when the client leaves before the answer was written. Fastify's own `request.signal` listens to the
 * request stream, which closes as soon as a body was read.
 */
export function abortSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort();
  });
  return controller.signal;
}
