import { type Approval, approvalDecideInput, type FieldValues } from '@flowplane/contract/approval';
import { type FieldError, Refusal, writePath } from '@flowplane/contract/errors';
import { approvalByLink, decideByLink } from '@flowplane/server/approvals/by-link';
import { approvalPagePath } from '@flowplane/server/approvals/link';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { closedPage, formPage, inputName, type Refused } from './approval-html.ts';
import { messagePage, pageHeaders } from './html-page.ts';
import { limitAddresses } from './limit-addresses.ts';
import { toProblem } from './problems.ts';
import type { Services } from './services.ts';

const mediaType = 'application/x-www-form-urlencoded';

type Route = { Params: { token: string }; Body: unknown };

const headers = pageHeaders("form-action 'self'");

function send(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).headers(headers).type('text/html; charset=utf-8').send(html);
}

function noApproval(reply: FastifyReply): FastifyReply {
  const text =
    'It may have been copied without its end, or the workflow does not wait for this decision yet or any more.';
  return send(reply, 404, messagePage('This link leads nowhere', text));
}

function show(reply: FastifyReply, approval: Approval): FastifyReply {
  const { status } = approval;
  if (status === 'open') return send(reply, 200, formPage(approval));
  return send(reply, status === 'expired' || status === 'ended' ? 410 : 200, closedPage(approval));
}

function readField(type: string, text: string): FieldValues[string] {
  if (type === 'number') {
    const number = Number(text);
    // What is no number is left for the check of the fields to refuse.
    return Number.isFinite(number) ? number : text;
  }
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  // Forms send line breaks as CRLF.
  return text.replaceAll('\r\n', '\n');
}

function fieldsOf({ fields }: Approval, form: URLSearchParams): FieldValues | FieldError[] {
  const filled = fields.flatMap(({ name, type }) => {
    const text = form.get(inputName(name))?.trim();
    return text ? [[name, readField(type, text)] as const] : [];
  });
  const parsed = approvalDecideInput.shape.fields.safeParse(Object.fromEntries(filled));
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => ({ path: writePath(['fields', ...path]), message }));
}

/** What to do about a decision that was not taken. @throws what is not about the decision. */
function refusedBy(error: unknown, values: URLSearchParams): Refused | 'closed' {
  if (!(error instanceof Refusal)) throw error;
  if (error.code === 'already_decided' || error.code === 'approval_closed') return 'closed';
  if (error.code === 'invalid_input') return { values, errors: error.errors ?? [] };
  throw error;
}

/**
 * `/approvals/<token>`: where whoever has an approval's link decides it, without an account and without scripts. Only the form
 * decides, as mail scanners open links.
 */
export function registerApprovalPage(app: FastifyInstance, services: Services, log: Logger): void {
  const { database, engine, auth, limiter } = services;
  const scope = { db: database.db, links: auth.approvalLinks, engine };

  async function decide(request: FastifyRequest<Route>, reply: FastifyReply): Promise<FastifyReply> {
    const { token } = request.params;
    const found = await approvalByLink(scope, token);
    if (!found) return noApproval(reply);
    const { approval } = found;
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const decision = form.get('decision');
    if (approval.status !== 'open') return show(reply, approval);
    if (decision !== 'approve' && decision !== 'reject') {
      return send(reply, 400, formPage(approval, { values: form, errors: [] }));
    }
    const fields = fieldsOf(approval, form);
    if (Array.isArray(fields)) return send(reply, 400, formPage(approval, { values: form, errors: fields }));
    try {
      const from = { ip: request.ip, userAgent: request.headers['user-agent'], id: request.id };
      await decideByLink({ ...scope, from }, token, { approved: decision === 'approve', fields });
    } catch (error) {
      const refused = refusedBy(error, form);
      if (refused !== 'closed') return send(reply, 400, formPage(approval, refused));
    }
    // Shown by a page of its own, so that loading it again sends nothing again.
    return reply.headers(headers).redirect(`${approvalPagePath}/${token}`, 303);
  }

  app.register((scoped, _, done) => {
    limitAddresses(scoped, limiter);
    scoped.removeAllContentTypeParsers();
    scoped.addContentTypeParser(
      mediaType,
      { parseAs: 'string' },
      async (_: FastifyRequest, text: string) => new URLSearchParams(text),
    );
    scoped.setErrorHandler((error, request, reply) => {
      const { status, title, detail } = toProblem(error, request.id);
      if (status >= 500) log.error({ request_id: request.id, error }, 'request failed');
      return send(reply, status, messagePage(title, detail));
    });
    scoped.get<Route>(`${approvalPagePath}/:token`, async (request, reply) => {
      const found = await approvalByLink(scope, request.params.token);
      return found ? show(reply, found.approval) : noApproval(reply);
    });
    scoped.post<Route>(`${approvalPagePath}/:token`, decide);
    done();
  });
}
