import { FlowplaneError } from './error.ts';
import { isProblem } from './failure.ts';

type Fetch = typeof globalThis.fetch;

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

function parseAnswer(text: string, { status, url }: Response): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (isTrpcAnswer(body)) return body;
  if (isProblem(body)) throw new FlowplaneError(body);
  const detail = `${url.split('?')[0]} answered ${status}, but not as Flowplane does. Check the url of the client.`;
  throw new FlowplaneError({ status, code: 'bad_response', detail });
}

/**
 * A fetch for tRPC's client that tells failures apart, which tRPC's client does not: its error is the same for a server that
 * cannot be reached, for a connection that broke within the body, and for a proxy's HTML page.
 *
 * @throws FlowplaneError `network_error`, `bad_response`, or the problem details that came instead of a tRPC answer.
 */
export function answersOf(fetch: Fetch) {
  return async (url: Parameters<Fetch>[0], init: Parameters<Fetch>[1]) => {
    const response = await networked(fetch(url, init));
    const answer = parseAnswer(await networked(response.text()), response);
    return { ok: response.ok, json: async () => answer };
  };
}
