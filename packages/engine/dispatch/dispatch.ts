import { createBullmqDispatch } from './bullmq.ts';
import { withoutCrowds } from './crowd.ts';
import { postgresStore } from './postgres.ts';
import { redisStore } from './redis.ts';
import { createSqsDispatch } from './sqs.ts';
import type { SqsAddress } from './sqs-queue.ts';

/** Carries "look at execution X" between processes. It may lose or repeat it: PostgreSQL is the truth. */
export type Dispatch = {
  /** @throws when they could not all be handed over; some may have been. */
  send(executionIds: string[]): Promise<void>;
  /**
   * Starts taking messages: `look` is called for each, `concurrency` at once. A message whose look fails is not repeated, unless
   * it fails with `NoRoom`: then it is sent again, for others to take.
   */
  consume(look: (executionId: string) => Promise<void>, concurrency: number): void;
  /** Takes no messages until `resume`; those that are on their way here are still looked at. */
  pause(): void;
  resume(): void;
  /** @throws when the queue cannot be reached. */
  check(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Dispatch by BullMQ, on PostgreSQL or on Redis, or by Amazon SQS.
 *
 * @param options.store PostgreSQL must be there; Redis and SQS are used as soon as they are.
 * @param options.onError told of connection errors, which pass by themselves, and of messages that nothing can be done with.
 */
export async function createDispatch(options: {
  store: { postgres: string } | { redis: string } | { sqs: SqsAddress };
  onError: (error: Error) => void;
}): Promise<Dispatch> {
  const { store } = options;
  let closing = false;
  // Connections outlive the closing of what owns them by a moment; what becomes of them then is of no interest.
  const onError = (error: Error) => {
    if (!closing) options.onError(error);
  };
  const dispatch = withoutCrowds(
    'sqs' in store
      ? await createSqsDispatch(store.sqs, onError)
      : createBullmqDispatch(
          'postgres' in store ? await postgresStore(store.postgres, onError) : redisStore(store.redis, onError),
          onError,
        ),
  );
  return {
    ...dispatch,
    close() {
      closing = true;
      return dispatch.close();
    },
  };
}
