/**
 * An iterable whose iterators each follow a stream from its start. Leaving one ends what it waits for at once, which a
 * generator's own `return` would do only at the next event.
 *
 * @param follow starts a stream that ends when its signal aborts.
 * @param outer the caller's signal, whose reason the iterator rejects with.
 */
export function eventIterable<Event>(
  follow: (signal: AbortSignal) => AsyncGenerator<Event, void>,
  outer: AbortSignal | undefined,
): AsyncIterable<Event> {
  async function* until(own: AbortController, left: () => boolean): AsyncGenerator<Event, void> {
    outer?.throwIfAborted();
    const stop = () => own.abort(outer?.reason);
    outer?.addEventListener('abort', stop, { once: true });
    try {
      yield* follow(own.signal);
    } catch (error) {
      if (!left()) throw error;
    } finally {
      outer?.removeEventListener('abort', stop);
    }
  }

  return {
    [Symbol.asyncIterator]() {
      const own = new AbortController();
      let left = false;
      const events = until(own, () => left);
      return {
        next: () => events.next(),
        return() {
          left = true;
          own.abort();
          return events.return();
        },
      };
    },
  };
}
