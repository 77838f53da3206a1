/**
 * Rejects with the signal's reason as soon as it aborts. tRPC's client alone would go on waiting for the other calls of
 * the batch, because it ends a request only when every call in it was aborted.
 */
export function untilAborted<Value>(signal: AbortSignal | undefined, work: () => Promise<Value>): Promise<Value> {
  if (!signal) return work();
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
