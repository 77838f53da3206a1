import { problemOf } from '@flowplane/contract/errors';
import { isJson, type Json } from '@flowplane/contract/json';
import type { HttpAnswer } from '@flowplane/engine/node-type';
import { RestError } from '@flowplane/rest/rest-error';
import { answerWebhook } from '@flowplane/server/hooks/answer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toProblem } from './problems.ts';
import type { Services } from './services.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

function inputOf(request: FastifyRequest<{ Querystring: Record<string, unknown> }>): Json {
  const value = request.body ?? (request.method === 'GET' || request.method === 'DELETE' ? { ...request.query } : null);
  if (!isJson(value)) throw new RestError('invalid_body', 'The body is nested too deep.');
  return value;
}

function send(reply: FastifyReply, { status, headers, body }: HttpAnswer): FastifyReply {
  reply.code(status).headers(headers);
  if (body === null && status === 204) return reply.send();
  const typed = reply.getHeader('content-type') !== undefined;
  if (typed && typeof body === 'string') return reply.send(body);
  return reply
    .type(typed ? String(reply.getHeader('content-type')) : 'application/json; charset=utf-8')
    .send(JSON.stringify(body));
}

/** `ANY /hooks/<team slug>/<path>`: the published workflows' webhooks. A JSON body, or a GET's query, is the input. */
export function registerHooks(app: FastifyInstance, services: Services): void {
  app.register(
    (scope, _, done) => {
      scope.setErrorHandler((error, request, reply) => {
        const problem = toProblem(error, request.id);
        return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
      });
      scope.route<{ Params: { slug: string; '*': string }; Querystring: Record<string, unknown> }>({
        method: methods,
        url: '/:slug/*',
        async handler(request, reply) {
          const { slug, '*': path } = request.params;
          const outcome = await answerWebhook(services, { slug, method: request.method, path }, inputOf(request));
          reply.header('x-execution-id', outcome.executionId);
          // What an author sends is not ours: it must not run in a browser as if it were.
          reply.header('content-security-policy', 'sandbox').header('x-content-type-options', 'nosniff');
          if ('answer' in outcome) return send(reply, outcome.answer);
          const { code, message } = outcome.problem;
          const problem = problemOf(code, message, { requestId: request.id });
          return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
        },
      });
      done();
    },
    { prefix: '/hooks' },
  );
}
