import type { CountingDispatch } from './crowd.ts';
import { atMost } from './end.ts';
import { createTell, lookAt } from './message.ts';
import type { DispatchStore, Taker } from './store.ts';

/** Pause of a worker whose queue cannot be reached. */
const restMs = 1_000;
/** How long a worker may take to end; one whose store is away would take for ever. */
const endMs = 2_000;

/** @param onError told of connection errors; BullMQ reconnects by itself. */
export function createBullmqDispatch(store: DispatchStore, onError: (error: Error) => void): CountingDispatch {
  const tell = createTell(onError);
  let closing = false;
  store.queue.on('error', onError);
  let worker: Taker | undefined;
  let resting: NodeJS.Timeout | undefined;
  let paused = false;

  async function send(executionIds: string[]): Promise<void> {
    await store.queue.addBulk(executionIds.map((id) => ({ name: 'look', data: { id } })));
  }

  /** Lets the worker take messages, or not, as things are now. */
  function apply(): void {
    if (!worker || closing) return;
    void (paused || resting ? worker.pause(true) : worker.resume()).catch(onError);
  }

  /**
   * A busy worker asks again at once after an error other than a refused connection: 360 connections a second to a
   * PostgreSQL that was starting up or full. The sweep finds meanwhile what messages would have told.
   */
  function rest(): void {
    if (resting || closing) return;
    resting = setTimeout(() => {
      resting = undefined;
      apply();
    }, restMs);
    apply();
  }

  return {
    send,
    waiting: () => store.queue.getJobCountByTypes('waiting'),
    consume(look, concurrency) {
      async function take({ data }: { data: unknown }): Promise<void> {
        // Closing does not wait for what the worker has fetched already; the sweep of others finds it.
        if (!closing) await lookAt(data, { look, send, tell });
      }
      worker = store.work(take, { concurrency, runRetryDelay: restMs });
      worker.on('error', (error) => {
        onError(error);
        rest();
      });
    },
    pause() {
      if (paused) return;
      paused = true;
      apply();
    },
    resume() {
      if (!paused) return;
      paused = false;
      apply();
    },
    async check() {
      await store.queue.getJobCountByTypes('waiting');
    },
    async close() {
      closing = true;
      clearTimeout(resting);
      // Whoever closes this has let its executions settle already.
      await atMost(endMs, worker?.close(true));
      await atMost(endMs, store.queue.close());
      await store.close();
    },
  };
}
