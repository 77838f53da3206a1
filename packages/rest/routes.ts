import type { AnyTRPCRouter } from '@trpc/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendAnswer } from './answer.ts';
import { takesBody } from './input-decoder.ts';
import { parseJson } from './json.ts';
import { isJson } from './media-type.ts';
import { type Operation, operationsOf } from './operations.ts';
import { pathShape, toFastifyPath } from './path-template.ts';
import type { Problem } from './problem.ts';
import { problemAnswer } from './problem-answer.ts';
import { recordOf } from './record.ts';
import { fromFastify, mediaTypeAdvice, RestError } from './rest-error.ts';
import { restHandler } from './rest-handler.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Dotted path of the procedure behind a REST route. */
    procedure?: string;
  }
}

export type RestOptions = {
  router: AnyTRPCRouter;
  /** E.g. `/api/v1`. */
  prefix: string;
  /** Called once per request, after the input was decoded. */
  createContext: (request: FastifyRequest, reply: FastifyReply) => object | Promise<object>;
  /** Gets what a procedure threw (a `TRPCError`), what `createContext` threw, or a `RestError`. */
  toProblem: (error: unknown, requestId: string) => Problem;
};

type Route = { method: string; path: string; operation: Operation };

function routesOf(router: AnyTRPCRouter): Route[] {
  return operationsOf(router).flatMap((operation) => {
    const { openapi } = operation.meta;
    if (!openapi || operation.type === 'subscription') return [];
    return [openapi.path, ...(openapi.aliases ?? [])].map((path) => ({ method: openapi.method, path, operation }));
  });
}

type KnownPath = { path: string; procedures: Map<string, string> };

/** Every path shape with the methods it answers; two procedures on one method and shape are a mistake. */
function knownPaths(routes: Route[]): KnownPath[] {
  const shapes = new Map<string, KnownPath>();
  for (const { method, path, operation } of routes) {
    const shape = pathShape(path);
    const known = shapes.get(shape) ?? { path, procedures: new Map() };
    const other = known.procedures.get(method);
    if (other) throw new Error(`${operation.procedure} and ${other} are both ${method} ${path}.`);
    known.procedures.set(method, operation.procedure);
    shapes.set(shape, known);
  }
  return [...shapes.values()];
}

function allowed(known: KnownPath): string[] {
  const methods = [...known.procedures.keys()];
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
}

async function requireJson(request: FastifyRequest): Promise<void> {
  const type = request.headers['content-type'];
  if (type !== undefined && !isJson(type)) throw new RestError('unsupported_media_type', mediaTypeAdvice);
}

async function refuseUnknownPath(request: FastifyRequest): Promise<void> {
  // Before the body is looked at, so that an unknown path is a 404 whatever is sent to it.
  // Fastify matches a parameter with nothing, too.
  if (request.is404 || Object.values(recordOf(request.params)).includes(''))
    throw new RestError('not_found', `There is no ${request.url.split('?', 1)[0]}.`);
}

function readBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') return done(null, undefined);
    try {
      if (!isJson(request.headers['content-type'] ?? '')) {
        throw new RestError('unsupported_media_type', mediaTypeAdvice);
      }
      done(null, parseJson(String(text)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function answerOtherMethods(scope: FastifyInstance, known: KnownPath): void {
  const methods = allowed(known);
  const allow = methods.join(', ');
  const others = scope.supportedMethods.filter((method) => !methods.includes(method));
  const url = toFastifyPath(known.path);
  scope.route({
    method: 'OPTIONS',
    url,
    onRequest: async (_, reply) => reply.code(204).header('allow', allow).send(),
    handler: () => {},
  });
  scope.route({
    method: others,
    url,
    onRequest: async (request) => {
      const detail = `${request.method} is not possible here; ${allow} are.`;
      throw new RestError('method_not_allowed', detail, { headers: { allow } });
    },
    handler: () => {},
  });
}

/**
 * Registers a Fastify route for every query and mutation whose meta has `openapi`, under the prefix: statuses, `Location`,
 * HEAD, 404, 405 with `Allow`, 413, 415, and problem details for every error. Routing is case-sensitive and static paths win.
 *
 * @throws Error for declarations that cannot work: two procedures on one route, a path parameter the input does not have.
 */
export function registerRest(app: FastifyInstance, options: RestOptions): void {
  const { prefix, toProblem } = options;
  const routes = routesOf(options.router);
  const paths = knownPaths(routes);
  const handled = routes.map((route) => ({ ...route, handler: restHandler(route.operation, route.path, options) }));

  app.register(
    (scope, _, done) => {
      readBodies(scope);
      scope.addHook('onRequest', refuseUnknownPath);
      scope.setErrorHandler((thrown, request, reply) => {
        const error = fromFastify(thrown);
        return sendAnswer(reply, problemAnswer(toProblem(error, request.id), error));
      });
      scope.setNotFoundHandler(refuseUnknownPath);
      for (const { method, path, operation, handler } of handled) {
        scope.route({
          method,
          url: toFastifyPath(path),
          exposeHeadRoute: method === 'GET',
          config: { procedure: operation.procedure },
          ...(takesBody(method) || method === 'DELETE' ? { onRequest: requireJson } : {}),
          handler,
        });
      }
      for (const known of paths) answerOtherMethods(scope, known);
      done();
    },
    { prefix },
  );
}
