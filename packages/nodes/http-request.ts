import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { EgressError } from '@flowplane/egress/errors';
import type { GuardedFetch, GuardedResponse } from '@flowplane/egress/guarded-fetch';
import { NodeError } from '@flowplane/engine/node-error';
import { defineNode, type NodeContext, type Outcome, type RunnableNode } from '@flowplane/engine/node-type';
import { bodyOf, checkStatus } from './http-answer.ts';
import { appendAll, encodeBody } from './http-body.ts';
import { readPages } from './http-pages.ts';
import { type Params, params } from './http-params.ts';

function urlOf({ url, query }: Params): URL {
  const parsed = URL.parse(url);
  if (!parsed) throw new NodeError('egress_invalid_url', 'params.url is not a URL such as https://example.com/path');
  if (Object.keys(query).length > 0) appendAll(parsed.searchParams, query);
  return parsed;
}

/** The URL with a credential's parameters, which win over those that are there. */
function withParameters(url: string, parameters: Record<string, string>): string {
  const entries = Object.entries(parameters);
  if (entries.length === 0) return url;
  const changed = new URL(url);
  for (const [name, value] of entries) changed.searchParams.set(name, value);
  return changed.href;
}

type SenderContext = Pick<NodeContext, 'idempotencyKey' | 'signal' | 'credential' | 'redact'>;

/** Sends the request to a URL, as often as there are pages; each page has an idempotency key of its own. */
function sender(fetch: GuardedFetch, request: Params, context: SenderContext) {
  const { body, contentType } = encodeBody(request);
  const given = Object.entries(request.headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const deadline = performance.now() + request.timeoutSeconds * 1_000;
  return async (url: string, page: number): Promise<GuardedResponse> => {
    const key = page === 1 ? context.idempotencyKey : `${context.idempotencyKey}:${page}`;
    // For each page: the credential may be bound to the host of some of them only.
    const secrets = await context.credential?.(url);
    const headers = {
      'idempotency-key': key,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...Object.fromEntries(given),
      ...secrets?.headers,
    };
    const answer = await fetch(withParameters(url, secrets?.query ?? {}), {
      method: request.method,
      headers,
      secretHeaders: secrets?.secretHeaders ?? [],
      ...(body === undefined ? {} : { body }),
      timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())),
      maxBytes: limits.valueBytes,
      maxRedirects: request.redirects,
      signal: context.signal,
    }).catch((error: unknown) => {
      throw error instanceof EgressError ? new NodeError(error.code, error.message) : error;
    });
    checkStatus(answer, request.expect, context.redact);
    return answer;
  };
}

/** The `http.request` node: requests through the guarded fetch. */
export function httpRequest(fetch: GuardedFetch): RunnableNode {
  return defineNode({
    type: 'http.request',
    title: 'HTTP request',
    description:
      'Sends a request; the result is `{status, headers, body}`. Repeated after a crash with the same `Idempotency-Key`.',
    params,
    effect: true,
    heartbeats: true,
    credential: true,
    example: {
      definition: {
        nodes: [
          {
            id: 'orders',
            type: 'http.request',
            params: {
              url: 'https://api.example.com/orders',
              query: { status: '{{ input.status }}' },
              pagination: { mode: 'cursor', cursor: 'nextCursor', items: 'items' },
            },
          },
        ],
        output: { ids: '{{ nodes.orders.body.map(order => order.id) }}', pages: '{{ nodes.orders.pages }}' },
      },
      input: { status: 'open' },
      output: { ids: [1, 2, 3], pages: 2 },
    },
    async run(request, context): Promise<Outcome> {
      const url = urlOf(request);
      const send = sender(fetch, request, context);
      if (request.pagination) {
        const { answer, items, pages, complete } = await readPages(request.pagination, url, {
          send,
          onPage: context.heartbeat,
        });
        const headers: Record<string, Json> = { ...answer.headers };
        return { output: { status: answer.status, headers, body: items, pages, complete } };
      }
      const answer = await send(url.href, 1);
      const headers: Record<string, Json> = { ...answer.headers };
      return { output: { status: answer.status, headers, body: bodyOf(answer, request.response) } };
    },
  });
}
