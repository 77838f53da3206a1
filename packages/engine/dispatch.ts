import { createPostgresBackend, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';

/** Carries "look at execution X" between processes. It may lose or repeat it: PostgreSQL is the truth. */
export type Dispatch = {
  send(executionIds: string[]): Promise<void>;
  /** Starts taking messages: `look` is called for each, `concurrency` at once. */
  consume(look: (executionId: string) => Promise<void>, concurrency: number): void;
  /** @throws when the queue cannot be reached. */
  check(): Promise<void>;
  close(): Promise<void>;
};

const name = 'executions';
/** Pause of a worker whose queue cannot be reached. */
const restMs = 1_000;
// What was done, or could not be, is of no interest: the execution's row says what became of it.
const job = { removeOnComplete: true, removeOnFail: true };

/** What this needs of BullMQ's worker, on either store. */
type Taker = { pause(doNotWaitActive: boolean): Promise<void>; resume(): Promise<void>; close(): Promise<void> };

function connectionOf({ postgres }: { postgres: string }) {
  return { connectionString: postgres, max: 4, migrate: true };
}

/**
 * Dispatch by BullMQ: on PostgreSQL, in a schema and with connections of its own, or on Redis where there is one.
 *
 * @param options.onError told of connection errors; BullMQ reconnects by itself.
 */
export async function createDispatch(options: {
  store: { postgres: string } | { redis: Redis };
  onError: (error: Error) => void;
}): Promise<Dispatch> {
  const { store } = options;
  let closing = false;
  // Connections outlive the closing of what owns them by a moment; what becomes of them then is of no interest.
  const onError = (error: Error) => {
    if (!closing) options.onError(error);
  };
  const queue =
    'postgres' in store
      ? new Queue(name, { connection: connectionOf(store), defaultJobOptions: job }, createPostgresBackend)
      : new Queue(name, { connection: store.redis, defaultJobOptions: job });
  queue.on('error', onError);
  // A worker that finds no schema asks again and again, without a pause.
  await queue.waitUntilReady();
  let worker: Taker | undefined;
  let resting: NodeJS.Timeout | undefined;

  /**
   * A busy worker asks again at once after an error other than a refused connection: 360 connections a second to a
   * PostgreSQL that was starting up or full. The sweep finds meanwhile what messages would have told.
   */
  function rest(tired: Taker): void {
    if (resting) return;
    void tired.pause(true).catch(onError);
    resting = setTimeout(() => {
      resting = undefined;
      void tired.resume().catch(onError);
    }, restMs);
  }

  return {
    async send(executionIds) {
      await queue.addBulk(executionIds.map((id) => ({ name: 'look', data: { id } })));
    },
    consume(look, concurrency) {
      const handle = async ({ data }: { data: { id: string } }) => look(data.id);
      const taking = { concurrency, runRetryDelay: restMs };
      const made =
        'postgres' in store
          ? new Worker(name, handle, { connection: connectionOf(store), ...taking }, createPostgresBackend)
          : new Worker(name, handle, { connection: store.redis, ...taking });
      made.on('error', (error) => {
        onError(error);
        rest(made);
      });
      worker = made;
    },
    async check() {
      await queue.getJobCountByTypes('waiting');
    },
    async close() {
      closing = true;
      clearTimeout(resting);
      await worker?.close();
      await queue.close();
    },
  };
}
