import { openPool } from '@flowplane/db/pool';
import { createPostgresBackend, Queue, runMigrations, Worker } from 'bullmq';
import { type DispatchStore, defaultJobOptions, queueName } from './store.ts';

/** BullMQ's own name for its schema. */
const schema = 'bullmq';

/** Six: a queue and a worker, each with its listener, and what they ask. */
const connections = 6;

/**
 * BullMQ on PostgreSQL, in a schema of its own, which is brought up to date first: a worker that finds none asks again and
 * again, without a pause. The connections are made here, because those that BullMQ makes end the process when one breaks at the
 * wrong moment.
 */
export async function postgresStore(url: string, onError: (error: Error) => void): Promise<DispatchStore> {
  const { pool, close } = openPool(url, { max: connections, options: `-c search_path=${schema}`, onError });
  const client = await pool.connect();
  try {
    await runMigrations(client, schema);
  } finally {
    client.release();
  }
  return {
    queue: new Queue(queueName, { connection: pool, defaultJobOptions }, createPostgresBackend),
    work: (handle, taking) => new Worker(queueName, handle, { connection: pool, ...taking }, createPostgresBackend),
    close,
  };
}
