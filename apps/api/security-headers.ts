import type { FastifyInstance, FastifyReply } from 'fastify';

/** A year, in seconds. */
const httpsOnlySeconds = 31_536_000;

/** What browsers are told with every answer; pages of ours and answers of webhooks have a `Content-Security-Policy` of their own. */
export type SecurityHeaders = Readonly<Record<string, string>>;

/** @param isHttps whether people reach this instance by HTTPS, so that browsers may be told to try nothing else. */
export function securityHeaders(isHttps: boolean): SecurityHeaders {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...(isHttps ? { 'strict-transport-security': `max-age=${httpsOnlySeconds}` } : {}),
  };
}

/** Adds them to one answer. */
export function secure(reply: FastifyReply, headers: SecurityHeaders): void {
  reply.headers(headers);
}

/** Adds them to every answer, before whatever a route sets itself. */
export function secureAnswers(app: FastifyInstance, headers: SecurityHeaders): void {
  app.addHook('onRequest', (_, reply, done) => {
    secure(reply, headers);
    done();
  });
}
