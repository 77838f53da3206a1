import { FlowplaneError } from './error.ts';
import { isProblem } from './failure.ts';
import { retryAfterOf } from './retry-after.ts';

type Fetch = typeof globalThis.fetch;

/** An answer of tRPC's, as tRPC's client takes it; `retryAfter` in seconds. */
export type Answer = { ok: boolean; retryAfter: number | undefined; json: () => Promise<unknown> };

/** Sends a request and gives the answer. */
export type Ask = (url: Parameters<Fetch>[0], init?: RequestInit) => Promise<Answer>;

/** Node's fetch says only "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? reasonOf(error.cause) : '';
  return cause || error.message;
}

async function networked<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AbortError') throw cause;
    const detail = `No answer came: ${reasonOf(cause)}. Check the url and the network, then try again.`;
    throw new FlowplaneError({ status: 0, code: 'network_error', detail }, { cause });
  }
}

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
    const answer = parseAnswer(await networked(response.text()), response);
    const { ok, headers } = response;
    return { ok, retryAfter: retryAfterOf(headers.get('retry-after')), json: async () => answer };
  };
}
