import { type AnyTRPCRouter, callTRPCProcedure } from '@trpc/server';
import { eventOf, type StreamEvent } from './stream-event.ts';

/** A running subscription, pulled event by event. */
export type EventFeed = {
  /** The next event; undefined at the end, and as soon as it was stopped. Rejects with what the procedure throws. */
  next(): Promise<StreamEvent | undefined>;
  /** Which comes first: an event, the end, or the end of patience. What came is still what `next` gives. */
  peek(patienceMs: number): Promise<'event' | 'end' | 'quiet'>;
};

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function feedOf(iterator: AsyncIterator<unknown>, signal: AbortSignal): EventFeed {
  let stopWaiting: (() => void) | undefined;
  let ahead: Promise<StreamEvent | undefined> | undefined;

  function onAbort(): void {
    stopWaiting?.();
    // Nobody is left to be told what goes wrong while the procedure cleans up.
    Promise.resolve(iterator.return?.()).catch(() => {});
  }
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });

  function pull(): Promise<StreamEvent | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    // Not `Promise.race` with a promise of the abort: each race would leave a reaction on it for as long as the stream lasts.
    return new Promise((resolve, reject) => {
      stopWaiting = () => resolve(undefined);
      iterator
        .next()
        .then((result) => resolve(result.done ? undefined : eventOf(result.value)))
        .catch(reject);
    });
  }

  return {
    next() {
      const pulled = ahead ?? pull();
      ahead = undefined;
      return pulled;
    },
    async peek(patienceMs) {
      const first = pull();
      ahead = first;
      let timer: NodeJS.Timeout | undefined;
      const quiet = new Promise<'quiet'>((resolve) => {
        timer = setTimeout(resolve, patienceMs, 'quiet');
      });
      // When patience ends first, `next` is the one that rejects.
      const result = first.then((event) => (event ? 'event' : 'end'));
      result.catch(() => {});
      try {
        return await Promise.race([result, quiet]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * Calls a subscription. Its signal is the given one; when that aborts its iterator is returned too.
 *
 * @throws what the procedure throws before it yields, a refusal of its middlewares for instance.
 */
export async function openFeed(
  router: AnyTRPCRouter,
  procedure: string,
  { context, input, signal }: { context: object; input: unknown; signal: AbortSignal },
): Promise<EventFeed> {
  const output: unknown = await callTRPCProcedure({
    router,
    path: procedure,
    type: 'subscription',
    ctx: context,
    getRawInput: async () => input,
    signal,
    batchIndex: 0,
  });
  if (!isAsyncIterable(output)) throw new Error(`${procedure} does not answer with an async iterable.`);
  return feedOf(output[Symbol.asyncIterator](), signal);
}

/** Hands every event on, each once the one before was taken, until the end or until there is nobody left to take it. */
export async function drain(feed: EventFeed, take: (event: StreamEvent) => Promise<boolean>): Promise<void> {
  for (let event = await feed.next(); event; event = await feed.next()) {
    if (!(await take(event))) return;
  }
}
