import { type Json, json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { isStorable } from '@flowplane/contract/text';
import { EgressError } from '@flowplane/egress/errors';
import type { GuardedFetch, GuardedResponse } from '@flowplane/egress/guarded-fetch';
import { NodeError } from '@flowplane/engine/node-error';
import { defineNode, type NodeType } from '@flowplane/engine/node-type';
import { z } from 'zod';

const scalar = z.union([z.string().max(8_192), z.number(), z.boolean()]);

const params = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  url: z.string().min(1).max(8_192),
  query: z.record(z.string().max(200), scalar).default({}).describe('Added to the URL'),
  headers: z.record(z.string().max(100), z.string().max(8_192)).default({}),
  body: json.optional().describe('Sent as JSON; a string is sent as it is'),
  response: z
    .enum(['auto', 'json', 'text', 'base64'])
    .default('auto')
    .describe('How to read the body; `auto` goes by its content type'),
  expect: z
    .enum(['success', 'any'])
    .default('success')
    .describe('`success` fails the step on a status of 400 or more, `any` leaves that to later nodes'),
  timeoutSeconds: z.number().min(0.1).max(300).default(30),
});

type Params = z.infer<typeof params>;

function urlOf({ url, query }: Params): string {
  const entries = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
  if (entries.length === 0) return url;
  const parsed = URL.parse(url);
  if (!parsed) throw new NodeError('egress_invalid_url', `params.url is not a URL such as https://example.com/path`);
  for (const [key, value] of entries) parsed.searchParams.append(key, value);
  return parsed.href;
}

function headersOf({ headers, body }: Params, idempotencyKey: string): Record<string, string> {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const all: Record<string, string> = { 'idempotency-key': idempotencyKey, ...given };
  if (body !== undefined && typeof body !== 'string') all['content-type'] ??= 'application/json';
  return all;
}

function isJsonType(contentType: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}

function bodyOf(answer: GuardedResponse, as: Params['response']): Json {
  const bytes = Buffer.from(answer.body);
  if (as === 'base64') return bytes.toString('base64');
  const type = answer.headers['content-type'] ?? '';
  const text = bytes.toString('utf8');
  if (as === 'text' || (as === 'auto' && !isJsonType(type))) {
    if (isStorable(text)) return text;
    throw new NodeError(
      'invalid_response',
      `The answer (status ${answer.status}, ${type || 'no content type'}) is not text; set response to base64.`,
    );
  }
  if (text === '' && as === 'auto') return null;
  try {
    return json.parse(JSON.parse(text));
  } catch {
    throw new NodeError(
      'invalid_response',
      `The answer (status ${answer.status}, ${type || 'no content type'}) is not JSON.`,
    );
  }
}

/** The `http.request` node: one request through the guarded fetch. */
export function httpRequest(fetch: GuardedFetch): NodeType {
  return defineNode({
    type: 'http.request',
    title: 'HTTP request',
    description:
      'Sends a request; the result is {status, headers, body}. Repeated after a crash with the same Idempotency-Key.',
    params,
    effect: true,
    async run(request, { idempotencyKey, signal }) {
      const body =
        typeof request.body === 'string' || request.body === undefined ? request.body : JSON.stringify(request.body);
      const answer = await fetch(urlOf(request), {
        method: request.method,
        headers: headersOf(request, idempotencyKey),
        ...(body === undefined ? {} : { body }),
        timeoutMs: request.timeoutSeconds * 1_000,
        maxBytes: limits.valueBytes,
        signal,
      }).catch((error: unknown) => {
        throw error instanceof EgressError ? new NodeError(error.code, error.message) : error;
      });
      if (answer.status >= 400 && request.expect === 'success') {
        const start = Buffer.from(answer.body).toString('utf8').slice(0, 500);
        throw new NodeError('http_status', `The server answered ${answer.status}${start ? `: ${start}` : ''}`);
      }
      const headers: Record<string, Json> = { ...answer.headers };
      return { output: { status: answer.status, headers, body: bodyOf(answer, request.response) } };
    },
  });
}
