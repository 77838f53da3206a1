import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { hashOf, messagePage, pageHeaders } from './html-page.ts';
import { limitAddresses } from './limit-addresses.ts';
import { mailPages, mailPagesScript } from './mail-pages-html.ts';
import { toProblem } from './problems.ts';
import type { Services } from './services.ts';

const headers = pageHeaders(`script-src ${hashOf(mailPagesScript)}`, "connect-src 'self'", "form-action 'none'");

/**
 * `/verify-email`, `/reset-password` and `/accept-invitation`: where the links in mails lead. They are the same for everybody: the token
 * stands behind `#`, where only the page's script sees it, which calls the API. Only a button changes anything, as mail scanners open links.
 */
export function registerMailPages(app: FastifyInstance, { limiter }: Services, log: Logger): void {
  app.register((scoped, _, done) => {
    limitAddresses(scoped, limiter);
    scoped.setErrorHandler((error, request, reply) => {
      const { status, title, detail } = toProblem(error, request.id);
      if (status >= 500) log.error({ request_id: request.id, error }, 'request failed');
      return reply.code(status).headers(headers).type('text/html; charset=utf-8').send(messagePage(title, detail));
    });
    for (const [name, html] of Object.entries(mailPages)) {
      scoped.get(`/${name}`, (_, reply) => reply.headers(headers).type('text/html; charset=utf-8').send(html));
    }
    done();
  });
}
