import { Refusal } from '@flowplane/contract/errors';
import { identityCallbackQuery, type SignInProvider, signInProvider } from '@flowplane/contract/identity';
import { type Finished, finishFlow } from '@flowplane/server/auth/identities/flow';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { messagePage, pageHeaders } from './html-page.ts';
import { limitAddresses } from './limit-addresses.ts';
import { toProblem } from './problems.ts';
import type { Services } from './services.ts';

/** Where a provider sends the browser back to. */
export function callbackPath(provider: SignInProvider): string {
  return `/api/v1/auth/${provider}/callback`;
}

const headers = pageHeaders("form-action 'none'");

const methods = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** Browsers that go somewhere ask for pages; programs hardly ever do. */
function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') ?? false;
}

function queryOf(query: unknown) {
  const { success, data, error } = identityCallbackQuery.safeParse(query);
  if (success) return data;
  const errors = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const first = errors[0];
  throw new Refusal('invalid_input', `${first?.path}: ${first?.message}`, errors);
}

function answer(request: FastifyRequest, reply: FastifyReply, finished: Finished): FastifyReply {
  for (const cookie of finished.cookies) reply.header('set-cookie', cookie);
  if (wantsPage(request)) return reply.redirect(finished.returnTo, 303);
  const body = 'signedIn' in finished ? finished.signedIn : finished.identity;
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}

function refuse(error: unknown, { request, reply }: { request: FastifyRequest; reply: FastifyReply }): FastifyReply {
  const problem = toProblem(error, request.id);
  if (!wantsPage(request)) {
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
  return reply
    .code(problem.status)
    .headers(headers)
    .type('text/html; charset=utf-8')
    .send(messagePage(problem.title, problem.detail));
}

/**
 * `GET /api/v1/auth/<provider>/callback`: where a browser comes back from an identity provider. It is no procedure, as browsers
 * are to be sent on from here. Programs, which do not ask for pages, get what `POST /auth/login` answers.
 */
export function registerIdentityCallbacks(app: FastifyInstance, { auth, limiter }: Services, log: Logger): void {
  app.register((scope, _, done) => {
    limitAddresses(scope, limiter);
    scope.addHook('onRequest', async (_, reply) => {
      // The address has the code; it is to be in no cache, and to reach nobody else.
      reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-robots-tag': 'noindex' });
    });
    scope.setErrorHandler((error, request, reply) => {
      const { status } = toProblem(error, request.id);
      if (status >= 500) log.error({ request_id: request.id, error }, 'request failed');
      return refuse(error, { request, reply });
    });
    for (const provider of signInProvider.options) {
      const url = callbackPath(provider);
      // Not for HEAD: what looks at a link before a person does would use the code up.
      scope.get(url, { exposeHeadRoute: false }, async (request, reply) => {
        const finished = await finishFlow(auth, provider, {
          query: queryOf(request.query),
          cookieHeader: request.headers.cookie,
          from: { ip: request.ip, userAgent: request.headers['user-agent'] },
        });
        return answer(request, reply, finished);
      });
      scope.route({
        method: [...methods, 'HEAD'],
        url,
        handler: (request, reply) => {
          reply.header('allow', 'GET');
          throw new Refusal('method_not_allowed', `${request.method} is not possible here; GET is.`);
        },
      });
    }
    done();
  });
}
