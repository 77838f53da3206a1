import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

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
type Taker = {
  pause(doNotWaitActive: boolean): Promise<void>;
  resume(): Promise<void>;
  close(force: boolean): Promise<void>;
};

type Store = { postgres: string } | { redis: string };

function connectionOf({ postgres }: { postgres: string }) {
  return { connectionString: postgres, max: 4, migrate: true };
}

/**
 * Dispatch by BullMQ: on PostgreSQL, in a schema and with connections of its own, or on Redis where there is one.
 *
 * @param options.onError told of connection errors; BullMQ reconnects by itself.
 */
export async function createDispatch(options: { store: Store; onError: (error: Error) => void }): Promise<Dispatch> {
  const { store } = options;
  let closing = false;
  // Connections outlive the closing of what owns them by a moment; what becomes of them then is of no interest.
  const onError = (error: Error) => {
    if (!closing) options.onError(error);
  };
  const clients: Redis[] = [];
  const connect = (url: string, patience: { maxRetriesPerRequest: number | null }) => {
    const client = new Redis(url, patience);
    client.on('error', onError);
    clients.push(client);
    return client;
  };
  const queue =
    'postgres' in store
      ? new Queue(name, { connection: connectionOf(store), defaultJobOptions: job }, createPostgresBackend)
      : // A message that cannot be sent at once is not worth a wait: the sweep finds the row.
        new Queue(name, {
          connection: connect(store.redis, { maxRetriesPerRequest: 1 }),
          skipWaitingForReady: true,
          defaultJobOptions: job,
        });
  queue.on('error', onError);
  // A worker that finds no schema asks again and again, without a pause.
  if ('postgres' in store) await queue.waitUntilReady();
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
          : // BullMQ waits for jobs in commands that must not give up: https://docs.bullmq.io/guide/connections
            new Worker(name, handle, {
              connection: connect(store.redis, { maxRetriesPerRequest: null }),
              ...taking,
            });
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
      // Whoever closes this has let its executions settle; a Redis that is away is not waited for.
      for (const client of clients) if (client.status !== 'ready') client.disconnect();
      await worker?.close(true);
      await queue.close();
      for (const client of clients) client.disconnect();
    },
  };
}
