import { z } from 'zod';
import type { Dispatch } from './dispatch.ts';
import { NoRoom } from './no-room.ts';

const message = z.object({ id: z.uuid() });

/** How often each kind of trouble is told. */
const everyMs = 30_000;

/** Tells of one kind of trouble at a time, and of each only once in a while: an outage must not fill the log. */
export type Tell = (kind: string, error: unknown) => void;

export function createTell(onError: (error: Error) => void): Tell {
  const toldAt = new Map<string, number>();
  return (kind, error) => {
    const now = performance.now();
    if (now - (toldAt.get(kind) ?? -everyMs) < everyMs) return;
    toldAt.set(kind, now);
    onError(error instanceof Error ? error : new Error(String(error)));
  };
}

/**
 * Looks at the execution that a message names, or sends the message on when there is no room for that here. Whoever can write to
 * the queue can write anything: what is no message of ours, and what cannot be looked at, is told and over.
 *
 * @param data what the message holds.
 */
export async function lookAt(
  data: unknown,
  { look, send, tell }: Pick<Dispatch, 'send'> & { look: (executionId: string) => Promise<void>; tell: Tell },
): Promise<void> {
  const parsed = message.safeParse(data);
  if (!parsed.success) {
    return tell('message', new Error('The queue held a message that Flowplane did not write; it was dropped'));
  }
  const { id } = parsed.data;
  try {
    await look(id).catch((error: unknown) => {
      if (!(error instanceof NoRoom)) throw error;
      return send([id]);
    });
  } catch (error) {
    tell('look', error);
  }
}
