/** What every call takes after its input. */
export type CallOptions = {
  /** Ends the call: its promise rejects with the signal's reason, by default a `DOMException` named `AbortError`. */
  signal?: AbortSignal | undefined;
};
