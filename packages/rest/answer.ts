import type { FastifyReply } from 'fastify';
import { etagOf, isUnchanged, requireMatch } from './conditional.ts';
import { jsonText } from './json-text.ts';
import type { RestMeta } from './meta.ts';
import type { Operation } from './operations.ts';
import { fillPath } from './path-template.ts';
import { isRecord } from './record.ts';
import type { ResponseHints } from './response-hints.ts';
import { definitionOf } from './schema.ts';

/** A whole HTTP answer as plain data. No body: nothing after the headers. */
export type Answer = { status: number; headers: Record<string, string>; cookies: string[]; body: string | undefined };

function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function locationOf(operation: Operation, output: unknown, params: Record<string, unknown>): string | undefined {
  const { location, openapi } = operation.meta;
  if (location) return fillPath(location, (name) => fieldOf(output, name) ?? params[name]);
  const base = fillPath(openapi?.path ?? '/', (name) => params[name]);
  const own = fillPath('/{id}', () => fieldOf(output, 'id'));
  return base && own ? `${base}${own}` : undefined;
}

/** The status of an operation's success when no hint says otherwise. */
export function successStatus(operation: Operation): NonNullable<RestMeta['status']> {
  if (operation.meta.status) return operation.meta.status;
  return operation.output && definitionOf(operation.output).type === 'void' ? 204 : 200;
}

/** What an answer depends on besides the output. */
export type AnswerParts = {
  params: Record<string, unknown>;
  hints: ResponseHints | undefined;
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
};

/** Prepares how an operation's outputs become answers: status, `Location` under the prefix, JSON with dates as ISO strings. */
export function answerOf(operation: Operation, prefix: string): (output: unknown, more: AnswerParts) => Answer {
  const usual = successStatus(operation);
  const json = jsonText(operation.output);
  const reads = operation.type === 'query';
  return (output, { params, hints, ifMatch, ifNoneMatch }) => {
    const empty = output === undefined;
    const etag = etagOf(operation, output);
    if (reads && etag) requireMatch(etag, ifMatch);
    if (reads && etag && isUnchanged(etag, ifNoneMatch)) {
      return { status: 304, headers: { etag, ...hints?.headers }, cookies: hints?.cookies ?? [], body: undefined };
    }
    const status = hints?.status ?? (empty ? 204 : usual);
    const body = empty || status === 204 ? undefined : json(output);
    const headers: Record<string, string> =
      body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
    const location =
      status === 201 || (operation.meta.location && status === 202) ? locationOf(operation, output, params) : undefined;
    if (location) headers.location = `${prefix}${location}`;
    if (etag) headers.etag = etag;
    return { status, headers: { ...headers, ...hints?.headers }, cookies: hints?.cookies ?? [], body };
  };
}

/** Sends an answer. */
export function sendAnswer(reply: FastifyReply, { status, headers, cookies, body }: Answer): FastifyReply {
  reply.code(status).headers(headers);
  if (cookies.length > 0) reply.header('set-cookie', cookies);
  return reply.send(body);
}
