import { untilAborted } from './abort.ts';
import type { Signature, Signer } from './credentials.ts';
import { FlowplaneError } from './error.ts';
import { connect, dataOf, errorOf, type StreamSource } from './event-connection.ts';
import { ExchangeError, shownOf } from './exchange-error.ts';
import { pause } from './pause.ts';
import { pauseAfter } from './retry.ts';
import type { StreamOptions } from './stream-options.ts';

/** What following a stream needs to know of the client. */
export type Following = StreamSource & {
  signer: Signer;
  /** How often opening the stream is tried again; what was open once is opened again until it is. 0: never. */
  retries: number;
};

/** A stream to follow. */
export type Stream = {
  path: string;
  input: object;
  /** The event that is the last; a stream without one goes on until its reader leaves. */
  last: string | undefined;
};

/** Seconds: nobody is kept waiting for longer, whatever the server says. */
const longest = 3_600;

/** An event of a stream as callers get it. */
export type StreamEvent = { id: string; event: unknown; data: unknown };

type State = {
  lastEventId: unknown;
  /** Connections that brought nothing, in a row. */
  failures: number;
  /** Whether the stream was ever open. */
  opened: boolean;
  /** Whether the connection of the moment was answered with something else than a refusal. */
  connected: boolean;
  /** The signature that was refused last, until the stream goes on. */
  refused: Signature | undefined;
};

function eventOf(id: string, value: unknown): StreamEvent {
  if (typeof value === 'object' && value !== null && 'event' in value && 'data' in value) {
    return { id, event: value.event, data: value.data };
  }
  const detail = 'The stream has an event that is not Flowplane’s. Check the url of the client.';
  throw new FlowplaneError({ status: 200, code: 'bad_response', detail });
}

function wentOn(state: State): void {
  state.opened = true;
  state.failures = 0;
  state.refused = undefined;
}

/** The events of one connection; returns whether the stream is over. */
async function* oneConnection(
  following: Following,
  { path, input, last, state, signature }: Stream & { state: State; signature: Signature },
  { signal, onConnection }: StreamOptions & { signal: AbortSignal },
): AsyncGenerator<StreamEvent, boolean> {
  const resumed = state.lastEventId === undefined ? input : { ...input, lastEventId: state.lastEventId };
  for await (const message of connect(following, { path, input: resumed, signature }, signal)) {
    signal.throwIfAborted();
    if (message.event === 'serialized-error') {
      state.connected = false;
      throw errorOf(dataOf(message));
    }
    if (message.event === 'ping') wentOn(state);
    if (message.event === 'connected') {
      state.connected = true;
      onConnection?.({ open: true });
    }
    if (message.event !== 'message') continue;
    const event = eventOf(message.id, dataOf(message));
    wentOn(state);
    if (message.id !== '') state.lastEventId = message.id;
    yield event;
    if (event.event === last) return true;
  }
  return false;
}

function interrupted(): FlowplaneError {
  const detail = 'The stream ended before its last event. Check the network, then try again.';
  return new FlowplaneError({ status: 0, code: 'network_error', detail });
}

/** Milliseconds until the stream is opened again, undefined when it is not. */
function pauseBefore(error: unknown, { failures, opened }: State, retries: number): number | undefined {
  const cause = error instanceof ExchangeError && opened ? error.cause : error;
  if (!(cause instanceof FlowplaneError) || retries === 0 || (!opened && failures >= retries)) return undefined;
  const mayPass = cause.code === 'network_error' || cause.status === 429 || cause.status >= 500;
  if (!mayPass) return undefined;
  const wait = pauseAfter(cause, failures, Math.random());
  return wait ?? (opened ? Math.min(cause.retryAfter ?? 0, longest) * 1_000 : undefined);
}

/**
 * Follows a stream over as many connections as it takes, each of which goes on after the last event that was taken. An event
 * is read when it is asked for.
 *
 * @throws FlowplaneError when the stream is refused or, before it was ever open, cannot be reached; or the signal's reason.
 */
export async function* followEvents(
  following: Following,
  stream: Stream,
  options: StreamOptions & { signal: AbortSignal },
): AsyncGenerator<StreamEvent, void> {
  const { signal, onConnection } = options;
  const { signer, retries } = following;
  const state: State = { lastEventId: undefined, failures: 0, opened: false, connected: false, refused: undefined };
  for (;;) {
    let failure: unknown = interrupted();
    let signature: Signature | undefined;
    state.connected = false;
    try {
      signature = await untilAborted(signal, () => signer.sign(state.refused));
      if (yield* oneConnection(following, { ...stream, state, signature }, options)) return;
    } catch (error) {
      failure = error;
    }
    signal.throwIfAborted();
    state.opened ||= state.connected;
    const refused = failure instanceof FlowplaneError && failure.code === 'unauthenticated';
    // New tokens help once; whoever called by a token that has ended since may have another now.
    if (refused && signature && !state.refused && (signer.renews || state.opened)) {
      state.refused = signature;
      continue;
    }
    const wait = pauseBefore(failure, state, retries);
    if (wait === undefined) throw shownOf(failure);
    state.failures += 1;
    onConnection?.({ open: false, error: shownOf(failure) });
    await pause(wait, signal);
  }
}
