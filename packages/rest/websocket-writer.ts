import { setImmediate } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { inSlices } from './paced.ts';
import type { StreamTimes } from './stream-options.ts';

export type WebSocketWriter = {
  /** Sends a text message; resolves when it was handed to the network, with whether the reader is still there. */
  send(text: string): Promise<boolean>;
};

/** Resolves to whether the fragment was handed on; a reader that takes nothing for too long is disconnected. */
function sendFragment(socket: WebSocket, slice: Buffer, { fin, stallMs }: { fin: boolean; stallMs: number }) {
  return new Promise<boolean>((resolve) => {
    const stalled = setTimeout(() => socket.terminate(), stallMs);
    socket.send(slice, { binary: false, fin }, (error) => {
      clearTimeout(stalled);
      resolve(!error);
    });
  });
}

/** Sends messages no faster than they are read, one at a time, and pings in between: a peer that is gone is let go. */
export function webSocketWriter(socket: WebSocket, { heartbeatMs, stallMs }: StreamTimes): WebSocketWriter {
  let isAlive = true;
  const heartbeat = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, heartbeatMs);
  socket.once('close', () => clearInterval(heartbeat));
  socket.on('pong', () => {
    isAlive = true;
  });

  return {
    send: (text) =>
      inSlices(text, async (slice, fin) => {
        if (socket.readyState !== socket.OPEN) return false;
        const taken = await sendFragment(socket, slice, { fin, stallMs });
        // Who reads slowly answers a ping late, as it is behind all this.
        isAlive ||= taken;
        // What is sent may be taken without any wait; other requests have to get their turn.
        await setImmediate();
        return taken;
      }),
  };
}
