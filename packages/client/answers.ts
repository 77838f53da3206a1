import { FlowplaneError } from './error.ts';
import { isProblem } from './failure.ts';
import { networked } from './networked.ts';
import { retryAfterOf } from './retry-after.ts';

type Fetch = typeof globalThis.fetch;

/** An answer of tRPC's, as tRPC's client takes it; `retryAfter` in seconds, and `stream` the body of a stream of events. */
export type Answer = {
  ok: boolean;
  retryAfter: number | undefined;
  json: () => Promise<unknown>;
  stream?: ReadableStream<Uint8Array>;
};

/** Sends a request and gives the answer. */
export type Ask = (url: Parameters<Fetch>[0], init?: RequestInit) => Promise<Answer>;

function isTrpcAnswer(body: unknown): boolean {
  return Array.isArray(body) || (typeof body === 'object' && body !== null && ('error' in body || 'result' in body));
}

function parseAnswer(text: string, { status, url, headers }: Response): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (isTrpcAnswer(body)) return body;
  const retryAfter = retryAfterOf(headers.get('retry-after'));
  if (isProblem(body)) throw new FlowplaneError({ ...body, retryAfter });
  const detail = `${url.split('?')[0]} answered ${status}, but not as Flowplane does. Check the url of the client.`;
  throw new FlowplaneError({ status, code: 'bad_response', detail, retryAfter });
}

/**
 * A fetch for tRPC's client that tells failures apart, which tRPC's client does not: its error is the same for a server that
 * cannot be reached, for a connection that broke within the body, and for a proxy's HTML page.
 *
 * @throws FlowplaneError `network_error`, `bad_response`, or the problem details that came instead of a tRPC answer.
 */
export function answersOf(fetch: Fetch): Ask {
  return async (url, init) => {
    const response = await networked(fetch(url, init));
    const { ok, headers, body } = response;
    const retryAfter = retryAfterOf(headers.get('retry-after'));
    const streams = ok && body && headers.get('content-type')?.startsWith('text/event-stream');
    if (streams) return { ok, retryAfter, json: async () => undefined, stream: body };
    const answer = parseAnswer(await networked(response.text()), response);
    return { ok, retryAfter, json: async () => answer };
  };
}
