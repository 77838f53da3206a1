import type { CallOptions } from './call-options.ts';

/** How the connection of a stream is: open, or lost for the reason `error` and about to be opened again. */
export type Connection = { open: true } | { open: false; error: unknown };

/** What every stream takes after its input. */
export type StreamOptions = CallOptions & {
  /** Told whenever the connection opens or is lost; not when the stream ends. */
  onConnection?: ((connection: Connection) => void) | undefined;
};
