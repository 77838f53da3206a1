/**
 * Resolves after some milliseconds, or as soon as the pause of another of `waiting` is over: timers of the same length that
 * were set together do not end together.
 *
 * @throws the signal's reason, as a rejection, as soon as it aborts.
 */
export function pause(
  milliseconds: number,
  signal: AbortSignal | undefined,
  waiting = new Set<() => void>(),
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    function leave(): void {
      clearTimeout(timer);
      waiting.delete(wake);
      signal?.removeEventListener('abort', stop);
    }
    function wake(): void {
      leave();
      resolve();
    }
    function stop(): void {
      leave();
      reject(signal?.reason);
    }
    const timer = setTimeout(() => {
      for (const each of [...waiting]) each();
    }, milliseconds);
    waiting.add(wake);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
