import { createMemoryBus } from './bus-memory.ts';
import { createRedisBus } from './bus-redis.ts';

/**
 * Tells that there is more to read of a topic: an execution's id, or `logs:` and a workflow's. It carries nothing else and may
 * lose messages: whoever listens also looks from time to time.
 */
export type Bus = {
  /** Costs next to nothing when nobody listens. */
  publish(topic: string): void;
  /** The listener must be quick and must not throw. @returns what ends the subscription. */
  subscribe(topic: string, listener: () => void): () => void;
  close(): Promise<void>;
};

/**
 * Within this process, and where there is Redis, to every process.
 *
 * @param options.onError told once of each time that Redis goes away, and again when it has been back.
 */
export function createBus(options: { redis: string | undefined; onError: (error: Error) => void }): Bus {
  const { redis, onError } = options;
  return redis === undefined ? createMemoryBus() : createRedisBus(redis, onError);
}

/** The topic of a workflow's log lines. */
export function logsTopic(workflowId: string): string {
  return `logs:${workflowId}`;
}
