import type { FastifyInstance } from 'fastify';

/** How an open stream is ended: in good order, and at once. */
export type OpenStream = { end(): void; kill(): void };

export type OpenStreams = {
  /** Called when a stream opens; the answer is called when its connection is gone. */
  add(stream: OpenStream): () => void;
};

/** What streams that were told to end may take to flush. */
const graceMs = 1_000;

/**
 * Keeps the open streams of a scope, so that the server can close: then they are ended, and after a second those killed whose
 * readers do not read.
 */
export function openStreams(scope: FastifyInstance): OpenStreams {
  const open = new Set<OpenStream>();
  let isClosing = false;
  let onEmpty: (() => void) | undefined;

  scope.addHook('preClose', async () => {
    isClosing = true;
    if (open.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      onEmpty = resolve;
    });
    const grace = setTimeout(() => {
      for (const stream of open) stream.kill();
    }, graceMs);
    for (const stream of open) stream.end();
    await emptied;
    clearTimeout(grace);
  });

  return {
    add(stream) {
      open.add(stream);
      if (isClosing) {
        stream.end();
        setTimeout(stream.kill, graceMs).unref();
      }
      return () => {
        open.delete(stream);
        if (open.size === 0) onEmpty?.();
      };
    },
  };
}
