import { loginInput, refreshInput, type SignedIn } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { login } from '@flowplane/server/auth/accounts';
import type { Auth } from '@flowplane/server/auth/auth';
import { Throttled } from '@flowplane/server/auth/passwords/throttle';
import type { SignInFrom } from '@flowplane/server/auth/sessions/sessions';
import { refresh } from '@flowplane/server/auth/tokens/refresh';
import { countAddress } from '@flowplane/server/limits/count-call';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { countInto } from './count-into.ts';
import { toProblem } from './problems.ts';
import type { Services } from './services.ts';

/** Where it answers. */
export const tokenPath = '/api/v1/auth/token';

const mediaType = 'application/x-www-form-urlencoded';
const json = 'application/json; charset=utf-8';
const methods = ['GET', 'PUT', 'PATCH', 'DELETE'];

/** An error as RFC 6749, section 5.2, has it. */
type OAuthError = { status: number; error: string; description: string; retryAfter?: number };

function fault(error: string, description: string, status = 400): OAuthError {
  return { status, error, description };
}

/** A text as `error_description` may have it: RFC 6749 allows printable ASCII but `"` and `\`. */
function plain(text: string): string {
  return text.replaceAll('’', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
}

function faultOf(error: unknown): OAuthError | undefined {
  if (error instanceof Throttled) {
    const { message, retryAfterSeconds } = error;
    return { ...fault('temporarily_unavailable', message, 429), retryAfter: retryAfterSeconds };
  }
  if (!(error instanceof Refusal)) return undefined;
  if (error.code === 'rate_limited') return fault('temporarily_unavailable', error.message, 429);
  if (error.code === 'invalid_credentials' || error.code === 'unauthenticated') {
    return fault('invalid_grant', error.message);
  }
  return undefined;
}

/** The parameters by name. @throws OAuthError for one that is sent twice (RFC 6749, section 3.2). */
function parametersOf(body: unknown): Map<string, string> | OAuthError {
  if (!(body instanceof URLSearchParams)) return fault('invalid_request', `Send a body of ${mediaType}.`);
  const parameters = new Map<string, string>();
  for (const [name, value] of body) {
    if (parameters.has(name)) return fault('invalid_request', 'A parameter is sent twice.');
    // Sent without a value counts as not sent.
    if (value !== '') parameters.set(name, value);
  }
  return parameters;
}

async function byPassword(
  auth: Auth,
  parameters: Map<string, string>,
  from: SignInFrom,
): Promise<SignedIn | OAuthError> {
  const [email, password] = [parameters.get('username'), parameters.get('password')];
  if (!email || !password) return fault('invalid_request', 'username (the email) and password must be sent.');
  const input = loginInput.safeParse({ email, password });
  if (!input.success) return fault('invalid_grant', 'The email or the password is wrong.');
  return (await login(auth, input.data, from)).signedIn;
}

async function byRefreshToken(
  auth: Auth,
  parameters: Map<string, string>,
  from: SignInFrom,
): Promise<SignedIn | OAuthError> {
  const refreshToken = parameters.get('refresh_token');
  if (!refreshToken) return fault('invalid_request', 'refresh_token must be sent.');
  const input = refreshInput.safeParse({ refreshToken });
  return input.success ? refresh(auth, input.data, from) : fault('invalid_grant', 'The refresh token is not valid.');
}

async function grant(auth: Auth, body: unknown, from: SignInFrom): Promise<SignedIn | OAuthError> {
  const parameters = parametersOf(body);
  if (!(parameters instanceof Map)) return parameters;
  const type = parameters.get('grant_type');
  if (type === 'password') return byPassword(auth, parameters, from);
  if (type === 'refresh_token') return byRefreshToken(auth, parameters, from);
  if (type === undefined) return fault('invalid_request', 'grant_type must be sent.');
  return fault('unsupported_grant_type', 'grant_type must be password or refresh_token.');
}

function refuse(reply: FastifyReply, { status, error, description, retryAfter }: OAuthError): FastifyReply {
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return reply
    .code(status)
    .type(json)
    .send(JSON.stringify({ error, error_description: plain(description) }));
}

/** What went wrong before or beside the grant, with the status that it has everywhere. */
function otherFault(thrown: unknown, request: FastifyRequest, log: Logger): OAuthError {
  const { status, detail } = toProblem(thrown, request.id);
  if (status < 500) return fault('invalid_request', detail, status);
  log.error({ request_id: request.id, error: thrown }, 'request failed');
  const passing = status === 503;
  const error = fault(passing ? 'temporarily_unavailable' : 'server_error', detail, status);
  return passing ? { ...error, retryAfter: 5 } : error;
}

/**
 * `POST /api/v1/auth/token`: OAuth 2.0 (RFC 6749) for clients that know nothing else, with the grants `password` and
 * `refresh_token`. Clients are public, so `client_id` is not asked for; parameters that are unknown are ignored, as it says.
 */
export function registerOAuthToken(app: FastifyInstance, { auth, limiter }: Services, log: Logger): void {
  app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      mediaType,
      { parseAs: 'string', bodyLimit: 16_384 },
      async (_: FastifyRequest, text: string) => new URLSearchParams(text),
    );
    scope.addHook('onRequest', async (request, reply) => {
      // No cache may keep tokens (RFC 6749, section 5.1).
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache').header('x-request-id', request.id);
    });
    scope.setErrorHandler((thrown, request, reply) =>
      refuse(reply, faultOf(thrown) ?? otherFault(thrown, request, log)),
    );
    scope.post(tokenPath, async (request, reply) => {
      countInto(reply, (headers) => countAddress(limiter, request.ip, headers));
      const from = { ip: request.ip, userAgent: request.headers['user-agent'], id: request.id };
      const granted = await grant(auth, request.body, from);
      if ('error' in granted) return refuse(reply, granted);
      const { accessToken, refreshToken, expiresAt } = granted;
      const answer = {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1_000)),
        refresh_token: refreshToken,
      };
      return reply.type(json).send(JSON.stringify(answer));
    });
    scope.route({
      method: methods,
      url: tokenPath,
      onRequest: async (request, reply) => {
        reply.header('allow', 'POST');
        await refuse(reply, fault('invalid_request', `${request.method} is not possible here; POST is.`, 405));
      },
      handler: () => {},
    });
    done();
  });
}
