import superjson from 'superjson';
import type { Ask } from './answers.ts';
import { type Signature, withHeaders } from './credentials.ts';
import { FlowplaneError } from './error.ts';
import { isProblem } from './failure.ts';
import { type Message, messagesOf } from './server-sent-events.ts';
import { bytesOf, watchSilence } from './stream-bytes.ts';
import { transformer } from './transformer.ts';

/** Where a stream is asked for, and how. */
export type StreamSource = {
  ask: Ask;
  /** Further headers of every request. */
  headers: Record<string, string>;
  /** The address of the tRPC endpoint. */
  endpoint: string;
  /** Milliseconds without a byte after which a connection is taken for dead; the server sends a ping every 15 s. */
  silence: number;
};

function within(value: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? Object.entries(at).find(([key]) => key === name)?.[1] : at),
    value,
  );
}

/** The data of a message. @throws FlowplaneError `bad_response` for what is not superjson. */
export function dataOf({ data }: Message): unknown {
  try {
    return superjson.parse<unknown>(data);
  } catch (cause) {
    const detail = 'The stream has an event that is not Flowplane’s. Check the url of the client.';
    throw new FlowplaneError({ status: 200, code: 'bad_response', detail }, { cause });
  }
}

/** The error that an error's shape stands for, as tRPC sends it. */
export function errorOf(shape: unknown, retryAfter?: number): FlowplaneError {
  const problem = within(shape, 'data', 'problem');
  if (isProblem(problem)) return new FlowplaneError({ ...problem, retryAfter });
  const detail = 'The server refused the stream without problem details.';
  return new FlowplaneError({ status: 500, code: 'bad_response', detail, retryAfter });
}

/**
 * The messages of one connection, until it ends or `signal` aborts. The connection is closed however this ends.
 *
 * @throws FlowplaneError when the stream is refused or the connection breaks or is dead, or the signal's reason.
 */
export async function* connect(
  { ask, endpoint, headers, silence }: StreamSource,
  { path, input, signature }: { path: string; input: unknown; signature: Signature },
  signal: AbortSignal,
): AsyncGenerator<Message, void> {
  signal.throwIfAborted();
  const connection = new AbortController();
  const stop = () => connection.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const watched = watchSilence(connection, silence);
  const url = `${endpoint}/${path}?input=${encodeURIComponent(JSON.stringify(transformer.serialize(input)))}`;
  const accept = { ...headers, accept: 'text/event-stream' };
  const init: RequestInit = { headers: accept, cache: 'no-store', signal: connection.signal };
  try {
    const answer = await watched(() => ask(url, withHeaders(init, signature.headers)));
    if (!answer.stream) {
      const error = within(await answer.json(), 'error');
      throw errorOf(superjson.parse<unknown>(JSON.stringify(error ?? null)), answer.retryAfter);
    }
    yield* messagesOf(bytesOf(answer.stream, watched));
  } finally {
    signal.removeEventListener('abort', stop);
    connection.abort();
  }
}
