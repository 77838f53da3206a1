/** What every call takes after its input. */
export type CallOptions = {
  /** Ends the call: its promise rejects with the signal's reason, by default a `DOMException` named `AbortError`. */
  signal?: AbortSignal | undefined;
};

/** What a call that changes something takes after its input. */
export type MutationOptions = CallOptions & {
  /**
   * Names the change, 1 to 255 printable ASCII characters: calls with the same key and input within a day change something
   * once and get the same answer. Without it every call has a new key, so that its own retries are safe. Give your own,
   * such as an order's number, where your program may start the call again.
   */
  idempotencyKey?: string | undefined;
};
