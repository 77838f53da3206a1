import { problemOf } from '@flowplane/contract/errors';
import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import type { HttpAnswer } from '@flowplane/engine/node-type';
import { parseJson } from '@flowplane/rest/json';
import { RestError } from '@flowplane/rest/rest-error';
import { answerWebhook } from '@flowplane/server/hooks/answer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Services } from './services.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1 */
const withoutBody = [204, 205, 304];

function inputOf(request: FastifyRequest<{ Querystring: Record<string, unknown> }>): Json {
  const value = request.body ?? (request.method === 'GET' || request.method === 'DELETE' ? { ...request.query } : null);
  if (!isJson(value)) throw new RestError('invalid_body', `The input must be ${jsonBounds}.`);
  return value;
}

function send(reply: FastifyReply, { status, headers, body }: HttpAnswer): FastifyReply {
  reply.code(status);
  if (withoutBody.includes(status)) return reply.send();
  const own = Object.keys(headers).find((name) => name.toLowerCase() === 'content-type');
  if (own === undefined) reply.type('application/json; charset=utf-8');
  return reply.send(own !== undefined && typeof body === 'string' ? body : JSON.stringify(body));
}

/** `ANY /hooks/<team slug>/<path>`: the published workflows' webhooks. A JSON body, or a GET's query, is the input. */
export function registerHooks(app: FastifyInstance, services: Services): void {
  app.register(
    (scope, _, done) => {
      scope.removeContentTypeParser('application/json');
      scope.addContentTypeParser('application/json', { parseAs: 'string' }, async (_: FastifyRequest, text: string) =>
        text === '' ? undefined : parseJson(text),
      );
      scope.route<{ Params: { slug: string; '*': string }; Querystring: Record<string, unknown> }>({
        method: methods,
        url: '/:slug/*',
        async handler(request, reply) {
          const { slug, '*': path } = request.params;
          const outcome = await answerWebhook(services, { slug, method: request.method, path }, inputOf(request));
          if ('answer' in outcome) reply.headers(outcome.answer.headers);
          // What an author sends is not ours: it must not run in a browser as if it were, whatever headers came with it.
          reply.header('content-security-policy', 'sandbox').header('x-content-type-options', 'nosniff');
          reply.header('x-execution-id', outcome.executionId).header('x-request-id', request.id);
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
