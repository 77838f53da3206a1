import type { AnyTRPCRouter } from '@trpc/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendAnswer } from './answer.ts';
import { type Deprecation, deprecationHeaders, deprecationOf } from './deprecation.ts';
import { takesBody } from './input-decoder.ts';
import { parseJson } from './json.ts';
import { isJson } from './media-type.ts';
import { openStreams } from './open-streams.ts';
import { type Operation, operationsOf } from './operations.ts';
import { pathShape, toFastifyPath } from './path-template.ts';
import type { Problem } from './problem.ts';
import { problemAnswer } from './problem-answer.ts';
import { recordOf } from './record.ts';
import { fromFastify, mediaTypeAdvice, RestError } from './rest-error.ts';
import { restHandler } from './rest-handler.ts';
import { sseHandler } from './sse-handler.ts';
import type { StreamOptions } from './stream-options.ts';
import { basePath } from './versions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Dotted path of the procedure behind a REST route. */
    procedure?: string;
    /** It answers with a stream, which its reader may leave: then Fastify runs no `onResponse`. */
    isStream?: boolean;
  }
}

export type RestOptions = {
  router: AnyTRPCRouter;
  /** E.g. `/api`: beneath it are the versions, `/api/v1` for procedures that name no other. */
  prefix: string;
  /** Called once per request, after the input was decoded. */
  createContext: (request: FastifyRequest, reply: FastifyReply) => object | Promise<object>;
  /** Gets what a procedure threw (a `TRPCError`), what `createContext` threw, or a `RestError`. */
  toProblem: (error: unknown, requestId: string) => Problem;
  streams?: StreamOptions;
  /** Whether the server is about to stop: what ends a stream then is not the end of its events. */
  draining?: () => boolean;
};

type Route = {
  method: string;
  /** Where the paths of its version start, prefix included. */
  base: string;
  /** With the version, without the prefix. */
  path: string;
  operation: Operation;
  deprecation: Deprecation | undefined;
};

function routesOf({ router, prefix }: RestOptions): Route[] {
  const operations = operationsOf(router);
  return operations.flatMap((operation) => {
    const { openapi } = operation.meta;
    if (!openapi) return [];
    const { method } = openapi;
    if (operation.type === 'subscription' && method !== 'GET') {
      throw new Error(`${operation.procedure} is a subscription, which can only be a GET.`);
    }
    const base = basePath(prefix, operation);
    const deprecation = deprecationOf(operation, operations, prefix);
    return [openapi.path, ...(openapi.aliases ?? [])].map((path) => {
      return { method, base, path: base.slice(prefix.length) + path, operation, deprecation };
    });
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

/** Every answer of a deprecated operation says so, refusals too. */
function sayDeprecated(deprecation: Deprecation) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(deprecationHeaders(deprecation, recordOf(request.params)));
  };
}

/**
 * Registers a Fastify route for every procedure whose meta has `openapi`, under the prefix and its version: statuses,
 * `Location`, HEAD, 404, 405 with `Allow`, 413, 415, and problem details for every error. Subscriptions are event streams,
 * which end when the server closes. Routing is case-sensitive and static paths win.
 *
 * @throws Error for declarations that cannot work: two procedures on one route, a path parameter the input does not have.
 */
export function registerRest(app: FastifyInstance, options: RestOptions): void {
  const { prefix, toProblem } = options;
  const routes = routesOf(options);
  const paths = knownPaths(routes);
  const open = openStreams(app);
  const handled = routes.map((route) => {
    const { operation, path, base } = route;
    const handler =
      operation.type === 'subscription'
        ? sseHandler(operation, path, { ...options, open })
        : restHandler(operation, path, { ...options, prefix: base });
    return { ...route, handler };
  });

  app.register(
    (scope, _, done) => {
      readBodies(scope);
      scope.addHook('onRequest', refuseUnknownPath);
      scope.setErrorHandler((thrown, request, reply) => {
        const error = fromFastify(thrown);
        return sendAnswer(reply, problemAnswer(toProblem(error, request.id), error));
      });
      scope.setNotFoundHandler(refuseUnknownPath);
      for (const { method, path, operation, deprecation, handler } of handled) {
        scope.route({
          method,
          url: toFastifyPath(path),
          exposeHeadRoute: method === 'GET',
          config: { procedure: operation.procedure, isStream: operation.type === 'subscription' },
          onRequest: [
            ...(deprecation ? [sayDeprecated(deprecation)] : []),
            ...(takesBody(method) || method === 'DELETE' ? [requireJson] : []),
          ],
          handler,
        });
      }
      for (const known of paths) answerOtherMethods(scope, known);
      done();
    },
    { prefix },
  );
}
