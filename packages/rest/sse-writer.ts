import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { inSlices } from './paced.ts';
import type { StreamTimes } from './stream-options.ts';

export type SseWriter = {
  /** Resolves when the reader can take more, with whether it is still there. */
  write(text: string): Promise<boolean>;
  end(): void;
};

/** Resolves when the socket has drained or is closed; a reader that takes nothing for too long is disconnected. */
function drained(raw: ServerResponse, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => raw.destroy(), stallMs);
    function done(): void {
      clearTimeout(stalled);
      raw.off('drain', done).off('close', done);
      resolve();
    }
    raw.once('drain', done).once('close', done);
  });
}

/**
 * Writes an event stream no faster than it is read: what waits for a reader is one event and what the socket takes ahead
 * (16 KB). A quiet stream gets a comment from time to time, or proxies in between would close it.
 */
export function sseWriter(raw: ServerResponse, { stallMs, heartbeatMs }: StreamTimes): SseWriter {
  let isIdle = true;
  const heartbeat = setInterval(() => {
    if (isIdle && !raw.writableNeedDrain && !raw.destroyed) raw.write(':\n\n');
  }, heartbeatMs);
  raw.once('close', () => clearInterval(heartbeat));

  return {
    async write(text) {
      isIdle = false;
      const isThere = await inSlices(text, async (slice) => {
        if (raw.destroyed) return false;
        if (raw.write(slice)) return true;
        await drained(raw, stallMs);
        // A socket may drain without any wait; other requests have to get their turn.
        await setImmediate();
        return !raw.destroyed;
      });
      isIdle = true;
      return isThere;
    },
    end() {
      clearInterval(heartbeat);
      raw.end();
    },
  };
}
