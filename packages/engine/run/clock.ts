import type { Run } from './run.ts';

/**
 * The database's time in milliseconds since 1970, as far as this process knows it: from when the lease began. What a run waits for
 * is judged by this, because the process's own clock may be wrong, and another's that goes on with the run differently so.
 */
export function databaseTime({ lease, deadlineMs, timeLimit }: Run): number {
  const createdMs = deadlineMs - timeLimit * 1_000;
  return lease.createdAt.getTime() + performance.now() - createdMs;
}
