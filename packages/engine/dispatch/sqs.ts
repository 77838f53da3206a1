import { createBatcher } from '../batch.ts';
import type { CountingDispatch } from './crowd.ts';
import { atMost } from './end.ts';
import { createTell, lookAt } from './message.ts';
import { mostAtOnce, openSqs, type SqsAddress, type SqsMessage } from './sqs-queue.ts';
import { createGate, takeMessages } from './sqs-take.ts';

/** Requests that wait for messages at once; each costs money while there are none. */
const mostTakers = 4;
/** Requests that send, and that delete, at once. */
const lanes = 4;
/** After a failure to send, nothing is sent for this long: what starts meanwhile, the sweep finds. */
const restMs = 1_000;
/** After this time a look that still goes on has its execution, over which the lease watches from then on. */
const takenMs = 10_000;
/** How long deletions under way may take when the process ends. */
const endMs = 1_000;

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Dispatch by Amazon SQS, standard or FIFO. An SQS that is away is not waited for.
 *
 * A message is deleted when its look is over or has its execution, in any case before the message would come again.
 */
export async function createSqsDispatch(
  address: SqsAddress,
  onError: (error: Error) => void,
): Promise<CountingDispatch> {
  const queue = await openSqs(address);
  const tell = createTell(onError);
  const closing = new AbortController();
  const gate = createGate();
  const removing = new Set<Promise<void>>();
  let failed: { error: unknown; at: number } | undefined;

  async function flushSends(ids: string[]): Promise<undefined[]> {
    if (failed && performance.now() - failed.at < restMs) throw failed.error;
    try {
      await queue.send(ids);
      failed = undefined;
    } catch (error) {
      failed = { error, at: performance.now() };
      throw error;
    }
    return ids.map(() => undefined);
  }

  async function flushRemovals(receipts: string[]): Promise<undefined[]> {
    await queue.remove(receipts);
    return receipts.map(() => undefined);
  }

  const batches = { failsAll: () => true, lanes, max: mostAtOnce };
  const sendOne = createBatcher<string, undefined>({ flush: flushSends, ...batches });
  const remove = createBatcher<string, undefined>({ flush: flushRemovals, ...batches });

  /** What cannot be deleted comes again, and is looked at in vain. */
  async function removeOrTell(receipt: string): Promise<void> {
    await remove(receipt).catch((error: unknown) => tell('delete', error));
  }

  async function send(executionIds: string[]): Promise<void> {
    if (closing.signal.aborted) throw new Error('The dispatch is closed');
    await Promise.all(executionIds.map(sendOne));
  }

  return {
    send,
    waiting: queue.waiting,
    pause: gate.close,
    resume: gate.open,
    consume(look, concurrency) {
      async function handle({ body, receipt }: SqsMessage): Promise<void> {
        const looked = lookAt(parsed(body), { look, send, tell });
        await atMost(takenMs, looked);
        if (closing.signal.aborted) return;
        const removal = removeOrTell(receipt);
        removing.add(removal);
        await removal;
        removing.delete(removal);
        await looked;
      }
      const takers = Math.min(mostTakers, Math.ceil(concurrency / mostAtOnce));
      for (let taker = 0; taker < takers; taker += 1) {
        void takeMessages({
          share: Math.ceil((concurrency - taker) / takers),
          most: mostAtOnce,
          receive: queue.receive,
          gate,
          handle,
          onError: (error) => tell('receive', error),
          signal: closing.signal,
        });
      }
    },
    check: queue.check,
    async close() {
      closing.abort();
      await atMost(endMs, Promise.all(removing));
      queue.close();
    },
  };
}
