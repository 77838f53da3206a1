import type { Dispatch } from './dispatch.ts';
import { atMost } from './end.ts';
import { createTell, lookAt } from './message.ts';
import type { DispatchStore, Taker } from './store.ts';

/** Pause of a worker whose queue cannot be reached. */
const restMs = 1_000;
/** How long a worker may take to end; one whose store is away would take for ever. */
const endMs = 2_000;

/** @param onError told of connection errors; BullMQ reconnects by itself. */
export function createBullmqDispatch(store: DispatchStore, onError: (error: Error) => void): Dispatch {
  const tell = createTell(onError);
  let closing = false;
  store.queue.on('error', onError);
  let worker: Taker | undefined;
  let resting: NodeJS.Timeout | undefined;

  /**
   * A busy worker asks again at once after an error other than a refused connection: 360 connections a second to a
   * PostgreSQL that was starting up or full. The sweep finds meanwhile what messages would have told.
   */
  function rest(tired: Taker): void {
    if (resting || closing) return;
    void tired.pause(true).catch(onError);
    resting = setTimeout(() => {
      resting = undefined;
      void tired.resume().catch(onError);
    }, restMs);
  }

  return {
    async send(executionIds) {
      await store.queue.addBulk(executionIds.map((id) => ({ name: 'look', data: { id } })));
    },
    consume(look, concurrency) {
      const made = store.work(({ data }) => lookAt(data, { look, tell }), { concurrency, runRetryDelay: restMs });
      made.on('error', (error) => {
        onError(error);
        rest(made);
      });
      worker = made;
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
