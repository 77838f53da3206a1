import { problemOf } from '@flowplane/contract/errors';
import { registerDocs } from '@flowplane/rest/docs';
import { frameworkErrors } from '@flowplane/rest/framework-errors';
import { registerRest } from '@flowplane/rest/routes';
import { registerTrpc } from '@flowplane/rest/trpc';
import { appRouter } from '@flowplane/server/api';
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { registerHealth } from './health.ts';
import { registerHooks } from './hooks.ts';
import { type Branding, documentOf, prefix } from './openapi-document.ts';
import { toProblem } from './problems.ts';
import { contextOf } from './request-context.ts';
import { logRefusedUrl, logRequests, requestIdOf } from './request-log.ts';
import type { Services } from './services.ts';

/** The HTTP server with every face of the contract, not listening yet. */
export function createServer(options: {
  services: Services;
  version: string;
  log: Logger;
  draining: () => boolean;
  branding: Branding;
}): FastifyInstance {
  const { services, version, log, draining, branding } = options;
  const refuseUrl = frameworkErrors(toProblem);
  const app = fastify({
    bodyLimit: 1_048_576,
    frameworkErrors(error, request, reply) {
      logRefusedUrl(log, request, reply);
      refuseUrl(error, request, reply);
    },
    genReqId: requestIdOf,
    // A client that sends its headers or body by drops is let go.
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
  });
  const createContext = (request: Parameters<typeof contextOf>[1]) => contextOf(services, request);

  logRequests(app, log);
  app.addHook('onSend', (_, reply, __, done) => {
    // A connection that was busy when the draining began would be kept open for the next request.
    if (draining()) reply.header('connection', 'close');
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.id);
    if (problem.status >= 500) log.error({ request_id: request.id, error }, 'request failed');
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split('?', 1);
    const problem = problemOf('not_found', `There is no ${path}.`, { requestId: request.id });
    return reply.code(404).type('application/problem+json').send(JSON.stringify(problem));
  });

  registerHealth(app, options);
  registerRest(app, {
    router: appRouter,
    prefix,
    createContext,
    toProblem(error, requestId) {
      const problem = toProblem(error, requestId);
      if (problem.status >= 500) log.error({ request_id: requestId, error }, 'request failed');
      return problem;
    },
  });
  registerTrpc(app, {
    router: appRouter,
    prefix: '/trpc',
    createContext,
    onError({ error, req }) {
      const ours = error.code === 'INTERNAL_SERVER_ERROR' || error.code === 'SERVICE_UNAVAILABLE';
      if (ours) log.error({ request_id: req.id, error }, 'request failed');
    },
  });
  registerHooks(app, services);
  const document = documentOf(version, branding, services.auth.sessions.sessionCookieName);
  const { title, logoUrl, color } = branding;
  registerDocs(app, { document, title, logoUrl, color });
  return app;
}
