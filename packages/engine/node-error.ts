/** A failure of a node that the workflow's author should see: a code to branch on and a message to read. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly code: string;
  /** Milliseconds that the next attempt should wait at least, e.g. from a `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: { retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
