import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type DispatchStore, defaultJobOptions, queueName } from './store.ts';

/** BullMQ on Redis. A Redis that is away is not waited for: what could not be sent, the sweep finds. */
export function redisStore(url: string, onError: (error: Error) => void): DispatchStore {
  const clients: Redis[] = [];
  function connect(maxRetriesPerRequest: number | null): Redis {
    const client = new Redis(url, { maxRetriesPerRequest });
    client.on('error', onError);
    clients.push(client);
    return client;
  }
  return {
    queue: new Queue(queueName, {
      connection: connect(1),
      skipWaitingForReady: true,
      // A queue whose first question went unanswered, which is Redis's version, never sends anything; the worker asks it too.
      skipVersionCheck: true,
      defaultJobOptions,
    }),
    // BullMQ waits for jobs in commands that must not give up: https://docs.bullmq.io/guide/connections
    work: (handle, taking) => new Worker(queueName, handle, { connection: connect(null), ...taking }),
    async close() {
      for (const client of clients) client.disconnect();
    },
  };
}
