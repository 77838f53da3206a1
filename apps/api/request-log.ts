import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who called, once known. */
    userId: string | null;
  }
}

/** The caller's `X-Request-Id` where it is one that may be logged as it is, else a new id. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

/** The path as it may be logged: that of an approval's page is the right to decide. */
function loggedPath(url: string): string | undefined {
  const [path] = url.split('?', 1);
  return path?.replace(/^(\/+approvals\/).+/i, '$1…');
}

function logRequest(log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode } = reply;
  const level = statusCode >= 500 ? 'error' : 'info';
  if (!log.isLevelEnabled(level)) return;
  log[level](
    {
      request_id: request.id,
      method: request.method,
      path: loggedPath(request.url),
      status_code: statusCode,
      duration_ms: Math.round(reply.elapsedTime * 100) / 100,
      user_id: request.userId,
    },
    'request',
  );
}

/** One log line per request, and `X-Request-Id` on every answer. */
export function logRequests(app: FastifyInstance, log: Logger): void {
  app.decorateRequest('userId', null);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (request.routeOptions.config.isStream) {
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) logRequest(log, request, reply);
      });
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(log, request, reply);
    done();
  });
}

/** The same for a request that is refused for its URL, before any hook runs. */
export function logRefusedUrl(log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  reply.raw.once('finish', () => logRequest(log, request, reply));
}
