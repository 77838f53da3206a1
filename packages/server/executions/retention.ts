import type { Database } from '@flowplane/db/database';
import { type DefinitionPlace, pruneDefinitions } from '@flowplane/engine/definitions';
import { pruneExecutions } from '@flowplane/engine/retention';
import { createPoll, type Poll } from '../poll.ts';

/** Executions deleted, and definitions looked at, in one statement. */
const most = 500;

/** Looks (a second each) between two looks for old executions. */
const pruneEvery = 60;

/**
 * Deletes finished executions that are older than they are kept, and then definitions that nothing names any more. Between two batches it rests for as long as the last one took, so
 * that it never has more than half of one connection's time.
 *
 * @param options.database see {@link pruneExecutions}.
 * @param options.days that executions are kept; 0 keeps them for good.
 */
export function createRetention(options: {
  database: Database;
  days: number;
  onError: (error: unknown, where: string) => void;
}): Poll {
  const { database, days } = options;
  let looks = 0;
  let after: DefinitionPlace | undefined;

  /** @returns whether there may be more. */
  async function prune(): Promise<boolean> {
    if ((await pruneExecutions(database, { days, most })) === most) return true;
    const { deleted, after: next } = await pruneDefinitions(database, { after, most });
    after = next;
    return deleted > 0 && next !== undefined;
  }

  return createPoll({
    async look() {
      if (looks++ % pruneEvery !== 0) return Number.POSITIVE_INFINITY;
      const since = performance.now();
      if (!(await prune())) return Number.POSITIVE_INFINITY;
      looks = 0;
      return performance.now() - since;
    },
    onError: (error) => options.onError(error, 'retention'),
  });
}
