import { setTimeout as sleep } from 'node:timers/promises';
import type { SqsMessage } from './sqs-queue.ts';

/** The first pause after a failure; each further one in a row doubles it. */
const restMs = 1_000;
const longestRestMs = 10_000;

/** Whether messages are taken now. */
export type Gate = {
  open(): void;
  close(): void;
  /** Undefined when it is open; else resolves once it is. */
  opens(): Promise<void> | undefined;
};

export function createGate(): Gate {
  let opening: PromiseWithResolvers<void> | undefined;
  return {
    open() {
      opening?.resolve();
      opening = undefined;
    },
    close() {
      opening ??= Promise.withResolvers<void>();
    },
    opens: () => opening?.promise,
  };
}

/**
 * Takes messages until it is told to stop, never more than it may have in hand.
 *
 * @param options.share messages in hand at once.
 * @param options.most messages of one request.
 * @param options.receive waits for messages by itself.
 * @param options.gate while it is closed, nothing more is received.
 * @param options.handle never rejects.
 */
export async function takeMessages(options: {
  share: number;
  most: number;
  receive: (most: number, signal: AbortSignal) => Promise<SqsMessage[]>;
  gate: Gate;
  handle: (message: SqsMessage) => Promise<void>;
  onError: (error: unknown) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { share, most, receive, gate, handle, onError, signal } = options;
  let inHand = 0;
  let failures = 0;
  let wake = () => {};
  signal.addEventListener('abort', () => wake(), { once: true });

  async function handleOne(message: SqsMessage): Promise<void> {
    inHand += 1;
    await handle(message);
    inHand -= 1;
    wake();
  }

  /** Of several processes that lost the queue together, not all come back together. */
  async function rest(): Promise<void> {
    const ms = Math.min(restMs * 2 ** failures, longestRestMs);
    await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
  }

  const stopped = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  while (!signal.aborted) {
    const opens = gate.opens();
    if (opens) {
      await Promise.race([opens, stopped]);
      continue;
    }
    if (inHand >= share) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const since = performance.now();
    try {
      const messages = await receive(Math.min(most, share - inHand), signal);
      failures = 0;
      for (const message of messages) void handleOne(message);
      // A queue that does not wait for messages would be asked without a pause.
      if (messages.length === 0 && performance.now() - since < restMs) await rest();
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      await rest();
      failures += 1;
    }
  }
}
