import { type Problem, problemOf } from '@flowplane/contract/errors';
import { registerDocs } from '@flowplane/rest/docs';
import { frameworkErrors } from '@flowplane/rest/framework-errors';
import { retryAfter } from '@flowplane/rest/retry-after';
import { registerRest } from '@flowplane/rest/routes';
import { registerTrpc } from '@flowplane/rest/trpc';
import { registerWebSockets } from '@flowplane/rest/websocket';
import { webSocketUpgrades } from '@flowplane/rest/websocket-upgrade';
import { appRouter } from '@flowplane/server/api';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { registerApprovalPage } from './approval-page.ts';
import { allowOrigin, shareWithOrigins, varyByOrigin } from './cors.ts';
import { registerHealth } from './health.ts';
import { registerHooks } from './hooks.ts';
import { requireHttps } from './https-required.ts';
import { registerIdentityCallbacks } from './identity-callback.ts';
import { registerMailPages } from './mail-pages.ts';
import { registerOAuthToken } from './oauth-token.ts';
import { type Branding, documentOf, prefix } from './openapi-document.ts';
import { toProblem } from './problems.ts';
import { contextOf } from './request-context.ts';
import { logRefusedUrl, logRequests, requestIdOf } from './request-log.ts';
import { secure, secureAnswers, securityHeaders } from './security-headers.ts';
import type { Services } from './services.ts';
import { headersOfProtocols, subprotocol } from './websocket-protocol.ts';
import { registerWellKnown } from './well-known.ts';

/** The HTTP server with every face of the contract, not listening yet. */
export function createServer(options: {
  services: Services;
  version: string;
  log: Logger;
  draining: () => boolean;
  branding: Branding;
  /** Whose pages may read what is answered, beside our own. */
  corsOrigins: ReadonlySet<string>;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  /** Whether plain HTTP from other machines is refused. */
  httpsRequired: boolean;
}): FastifyInstance {
  const { services, version, log, draining, branding, corsOrigins, trustedProxies, httpsRequired } = options;
  const headers = securityHeaders(branding.publicUrl?.startsWith('https:') ?? false);
  const refuseUrl = frameworkErrors(toProblem);
  const app = fastify({
    bodyLimit: 1_048_576,
    trustProxy: [...trustedProxies],
    frameworkErrors(error, request, reply) {
      logRefusedUrl(log, request, reply);
      secure(reply, headers);
      allowOrigin(corsOrigins, request, reply);
      refuseUrl(error, request, reply);
    },
    genReqId: requestIdOf,
    // A client that sends its headers or body by drops is let go.
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    http: { shouldUpgradeCallback: webSocketUpgrades(appRouter) },
    routerOptions: { maxParamLength: 300 },
  });
  const createContext = (request: FastifyRequest, reply: FastifyReply) => contextOf(services, request, reply);

  logRequests(app, log);
  secureAnswers(app, headers);
  if (httpsRequired) requireHttps(app);
  shareWithOrigins(app, corsOrigins);
  app.addHook('onSend', (_, reply, payload, done) => {
    // A connection that was busy when the draining began would be kept open for the next request.
    if (draining()) reply.header('connection', 'close');
    varyByOrigin(reply, payload);
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.id);
    if (problem.status >= 500) log.error({ request_id: request.id, error }, 'request failed');
    if (!reply.hasHeader('retry-after')) reply.headers(retryAfter(problem.status));
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split('?', 1);
    const problem = problemOf('not_found', `There is no ${path}.`, { requestId: request.id });
    return reply.code(404).type('application/problem+json').send(JSON.stringify(problem));
  });

  registerHealth(app, options);
  function logged(error: unknown, requestId: string): Problem {
    const problem = toProblem(error, requestId);
    if (problem.status >= 500) log.error({ request_id: requestId, error }, 'request failed');
    return problem;
  }
  const face = { router: appRouter, createContext, toProblem: logged, draining };
  registerRest(app, { ...face, prefix });
  registerWebSockets(app, { ...face, subprotocol, headersOf: headersOfProtocols });
  registerTrpc(app, {
    router: appRouter,
    prefix: '/trpc',
    createContext,
    onError({ error, req }) {
      const ours = error.code === 'INTERNAL_SERVER_ERROR' || error.code === 'SERVICE_UNAVAILABLE';
      if (ours) log.error({ request_id: req.id, error }, 'request failed');
    },
  });
  registerHooks(app, services, logged);
  registerApprovalPage(app, services, log);
  registerMailPages(app, services, log);
  registerWellKnown(app, services.auth);
  registerOAuthToken(app, services, log);
  registerIdentityCallbacks(app, services, log);
  const document = documentOf(version, branding, services.auth.sessions.sessionCookieName);
  const { title, logoUrl, color } = branding;
  registerDocs(app, { document, title, logoUrl, color });
  return app;
}
