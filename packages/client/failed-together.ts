/** What errors that came from one answer share: a random number from 0 to 1, and who waits to be sent again. */
export type FailedTogether = { jitter: number; waiting: Set<() => void> };

const known = new WeakMap<object, FailedTogether>();

/** What an error, or the answer that it came from, shares with the others of its batch. */
export function failedTogether(error: unknown): FailedTogether {
  const own = { jitter: Math.random(), waiting: new Set<() => void>() };
  if (typeof error !== 'object' || error === null) return own;
  const shared = known.get(error) ?? own;
  known.set(error, shared);
  return shared;
}

/**
 * Lets an error share with all that came from the same answer. So the calls of a batch that failed together are sent again
 * together: otherwise one request in trouble would become ten.
 */
export function sharing<Failure extends object>(error: Failure, answer: unknown): Failure {
  known.set(error, failedTogether(answer));
  return error;
}
