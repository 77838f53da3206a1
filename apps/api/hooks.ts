import { type Problem, problemOf } from '@flowplane/contract/errors';
import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import type { HttpAnswer } from '@flowplane/engine/node-type';
import { type OpenStreams, openStreams } from '@flowplane/rest/open-streams';
import { RestError } from '@flowplane/rest/rest-error';
import { answerWebhook } from '@flowplane/server/hooks/answer';
import { eventsOfWebhook, resumeWebhook } from '@flowplane/server/hooks/stream';
import type { WebhookAddress } from '@flowplane/server/hooks/webhooks';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { inputOfBody } from './hook-body.ts';
import { limitHooks } from './hook-limits.ts';
import { sendEvents } from './hook-stream.ts';
import type { Services } from './services.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1 */
const withoutBody = [204, 205, 304];

type HookRequest = FastifyRequest<{ Params: { slug: string }; Querystring: Record<string, unknown> }>;

/** The address that was called: what follows the slug as it was sent, each segment encoded in the one canonical way. */
function addressOf({ params, method, raw }: HookRequest): WebhookAddress {
  const [whole = ''] = (raw.url ?? '').split('?', 1);
  const segments = whole.split('/').slice(3);
  const path = segments.map((segment) => encodeURIComponent(decodeURIComponent(segment))).join('/');
  return { slug: params.slug, method, path };
}

function inputOf({ method, query }: HookRequest, bytes: Buffer, contentType: string): Json {
  if (bytes.length > 0) return inputOfBody({ bytes, contentType });
  const value = method === 'GET' || method === 'DELETE' ? { ...query } : null;
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

/** What an author sends is not ours: it must not run in a browser as if it were, whatever headers came with it. */
function guard(reply: FastifyReply, executionId: string): void {
  reply.header('content-security-policy', 'sandbox').header('x-content-type-options', 'nosniff');
  reply.header('x-execution-id', executionId).header('x-request-id', reply.request.id);
}

type Hooks = { services: Services; open: OpenStreams; toProblem: (error: unknown, requestId: string) => Problem };

/**
 * Goes on with a stream for a reader that had a part of it.
 *
 * @returns false when this is a call like any other. Not the reply: it is a thenable, and to await it gives nothing.
 */
async function resume(hooks: Hooks, address: WebhookAddress, reply: FastifyReply): Promise<boolean> {
  const lastEventId = reply.request.headers['last-event-id'];
  if (typeof lastEventId !== 'string') return false;
  const leaving = new AbortController();
  reply.raw.once('close', () => leaving.abort());
  const resumed = await resumeWebhook(hooks.services, { address, lastEventId }, leaving.signal);
  // An EventSource comes again until it is told that there is nothing left.
  if (resumed === 'over') {
    reply.code(204).send();
    return true;
  }
  if (!resumed) return false;
  guard(reply, resumed.executionId);
  await sendEvents(reply, resumed.events, { ...hooks, leaving });
  return true;
}

async function answer(hooks: Hooks, request: HookRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { services } = hooks;
  const address = addressOf(request);
  const { headers, query, body } = request;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    throw new RestError('unsupported_media_type', 'Send the body without a Content-Encoding.');
  }
  if (await resume(hooks, address, reply)) return reply;
  const rawBody = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const input = () => inputOf(request, rawBody, headers['content-type'] ?? '');
  const outcome = await answerWebhook(services, address, { headers, query, rawBody, input });
  const { executionId } = outcome;
  if ('answer' in outcome) reply.headers(outcome.answer.headers);
  guard(reply, executionId);
  if ('answer' in outcome) return send(reply, outcome.answer);
  if ('stream' in outcome) {
    const leaving = new AbortController();
    reply.raw.once('close', () => leaving.abort());
    const of = { address, executionId, teamId: outcome.stream.teamId };
    await sendEvents(reply, await eventsOfWebhook(services, of, leaving.signal), { ...hooks, leaving });
    return reply;
  }
  const { code, message } = outcome.problem;
  const problem = problemOf(code, message, { requestId: request.id });
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/**
 * `ANY /hooks/<team slug>/<path>`: the published workflows' webhooks.
 *
 * @param toProblem what is told, and logged, of a failure in the middle of a stream.
 */
export function registerHooks(app: FastifyInstance, services: Services, toProblem: Hooks['toProblem']): void {
  app.register(
    (scope, _, done) => {
      limitHooks(scope, services.limiter);
      scope.removeAllContentTypeParsers();
      // The bytes as they came: signatures are over them, and what they are is decided once the signature is known to be valid.
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, bytes, parsed) => parsed(null, bytes));
      const hooks = { services, open: openStreams(scope), toProblem };
      scope.route<{ Params: { slug: string }; Querystring: Record<string, unknown> }>({
        method: methods,
        url: '/:slug/*',
        handler: (request, reply) => answer(hooks, request, reply),
      });
      done();
    },
    { prefix: '/hooks' },
  );
}
