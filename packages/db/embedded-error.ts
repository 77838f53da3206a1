/** The embedded PostgreSQL cannot run. The message is one paragraph for the operator: what is wrong and what to do. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}
