import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE';

const requestHeaders = [
  'Accept',
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'X-API-Key',
  'X-Request-Id',
  'X-Team-Id',
  'trpc-accept',
  'trpc-batch-mode',
].join(', ');

const answerHeaders = [
  'Deprecation',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Sunset',
  'X-Execution-Id',
  'X-Request-Id',
].join(', ');

/** Two hours, which is the most that Chromium keeps. */
const preflightSeconds = '7200';

/** Answers of the webhooks are for everybody who may call them: no cookie counts there. */
function takesCredentials(request: FastifyRequest): boolean {
  return !request.url.startsWith('/hooks/');
}

/**
 * Lets pages of the listed origins read an answer. Every answer varies by `Origin`, so that no cache gives one page what
 * another was allowed.
 */
export function allowOrigin(allowed: ReadonlySet<string>, request: FastifyRequest, reply: FastifyReply): boolean {
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !allowed.has(origin)) return false;
  reply.header('access-control-allow-origin', origin);
  reply.header('access-control-expose-headers', answerHeaders);
  if (takesCredentials(request)) reply.header('access-control-allow-credentials', 'true');
  return true;
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

function answerPreflight(reply: FastifyReply): void {
  reply
    .code(204)
    .header('access-control-allow-methods', methods)
    .header('access-control-allow-headers', requestHeaders)
    .header('access-control-max-age', preflightSeconds)
    .header('vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
    .send();
}

/** Names `Origin` in `Vary` also where a route has set that header anew. */
export function varyByOrigin(reply: FastifyReply, payload: unknown): void {
  // tRPC's streams: their headers are taken over after this.
  if (payload instanceof Response) {
    payload.headers.append('vary', 'Origin');
    return;
  }
  const vary = reply.getHeader('vary');
  if (vary === 'Origin') return;
  const names = String(vary ?? '');
  if (!/(^|,)\s*(origin|\*)\s*(,|$)/i.test(names)) reply.header('vary', names ? `${names}, Origin` : 'Origin');
}

/**
 * Cross-origin access for the pages of exactly these origins, errors and event streams included. What others send is
 * answered as ever, without the headers that would let their pages read it.
 *
 * By hand, because a plugin sets `Vary` before the routes do, which tRPC's answers then replace.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function shareWithOrigins(app: FastifyInstance, allowed: ReadonlySet<string>): void {
  app.addHook('onRequest', (request, reply, done) => {
    const isAllowed = allowOrigin(allowed, request, reply);
    if (isAllowed && isPreflight(request)) answerPreflight(reply);
    else done();
  });
}
