type JobState = 'waiting' | 'active' | 'delayed' | 'completed' | 'failed';

/** What dispatch needs of BullMQ on either store. */
export type DispatchStore = {
  queue: {
    on(event: 'error', listener: (error: Error) => void): unknown;
    addBulk(jobs: { name: string; data: unknown; opts?: { delay: number } }[]): Promise<unknown>;
    getJobCountByTypes(...states: JobState[]): Promise<number>;
    close(): Promise<void>;
  };
  /** Starts a worker; `handle` is called for each message, `concurrency` at once. */
  work(
    handle: (job: { data: unknown }) => Promise<void>,
    taking: { concurrency: number; runRetryDelay: number },
  ): Taker;
  /** Ends the connections. */
  close(): Promise<void>;
};

/** A worker of BullMQ's. */
export type Taker = {
  on(event: 'error', listener: (error: Error) => void): unknown;
  pause(doNotWaitActive: boolean): Promise<void>;
  resume(): Promise<void>;
  close(force: boolean): Promise<void>;
};

export const queueName = 'executions';

/** What was done, or could not be, is of no interest: the execution's row says what became of it. */
export const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
