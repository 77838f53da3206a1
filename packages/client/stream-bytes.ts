import { untilAborted } from './abort.ts';
import { FlowplaneError } from './error.ts';
import { networked } from './networked.ts';

/** Runs one step of a connection, and ends the connection when the server is silent for that long meanwhile. */
export type WithinSilence = <Value>(step: () => Promise<Value>) => Promise<Value>;

/**
 * Watches a connection: a step that takes longer than `silence` milliseconds ends it. Only steps count, so that whoever takes
 * events slowly is not cut off.
 */
export function watchSilence(connection: AbortController, silence: number): WithinSilence {
  return async (step) => {
    const timer = setTimeout(() => {
      const detail = `The server was silent for ${silence / 1_000} s. Check the network, then try again.`;
      connection.abort(new FlowplaneError({ status: 0, code: 'network_error', detail }));
    }, silence);
    try {
      return await untilAborted(connection.signal, step);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The bytes of a body, each piece read when it is asked for. The body is let go however this ends. */
export async function* bytesOf(
  body: ReadableStream<Uint8Array>,
  within: WithinSilence,
): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(() => networked(reader.read()));
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
