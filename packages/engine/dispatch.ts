import { postgresStore } from './dispatch-postgres.ts';
import { redisStore } from './dispatch-redis.ts';
import type { Taker } from './dispatch-store.ts';

/** Carries "look at execution X" between processes. It may lose or repeat it: PostgreSQL is the truth. */
export type Dispatch = {
  send(executionIds: string[]): Promise<void>;
  /** Starts taking messages: `look` is called for each, `concurrency` at once. */
  consume(look: (executionId: string) => Promise<void>, concurrency: number): void;
  /** @throws when the queue cannot be reached. */
  check(): Promise<void>;
  close(): Promise<void>;
};

/** Pause of a worker whose queue cannot be reached. */
const restMs = 1_000;
/** How long a worker may take to end; one whose store is away would take for ever. */
const endMs = 2_000;

async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/**
 * Dispatch by BullMQ: on PostgreSQL, or on Redis where there is one.
 *
 * @param options.onError told of connection errors; BullMQ reconnects by itself.
 */
export async function createDispatch(options: {
  store: { postgres: string } | { redis: string };
  onError: (error: Error) => void;
}): Promise<Dispatch> {
  let closing = false;
  // Connections outlive the closing of what owns them by a moment; what becomes of them then is of no interest.
  const onError = (error: Error) => {
    if (!closing) options.onError(error);
  };
  const store =
    'postgres' in options.store
      ? await postgresStore(options.store.postgres, onError)
      : redisStore(options.store.redis, onError);
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
      const made = store.work(({ data }) => look(data.id), { concurrency, runRetryDelay: restMs });
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
      await within(endMs, worker?.close(true));
      await within(endMs, store.queue.close());
      await store.close();
    },
  };
}
