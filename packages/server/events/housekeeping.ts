import type { Database, Db } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { sql } from 'kysely';
import { createPoll, type Poll } from '../poll.ts';
import { claimLateEvents, startOfEvent } from './starts.ts';

/** Days that an event is kept. */
const keptDays = 30;

/** Events removed in one statement. */
const pruneBatch = 1_000;

/** Looks (a second each) between two looks for old events. */
const pruneEvery = 600;

/** Removes some events that are older than they are kept. @returns how many. */
export async function pruneEvents(db: Db): Promise<number> {
  const old = db
    .selectFrom('events')
    .select('id')
    .where('created_at', '<', sql<Date>`now() - make_interval(days => ${keptDays})`)
    .limit(pruneBatch)
    .forUpdate()
    .skipLocked();
  const removed = await db.deleteFrom('events').where('id', 'in', old).executeTakeFirst();
  return Number(removed.numDeletedRows);
}

/** Starts what an event was to start when the process that took it died before, and removes old events. */
export function createEventHousekeeping(options: {
  database: Database;
  engine: Pick<Engine, 'start'>;
  onError: (error: unknown, where: string) => void;
}): Poll {
  const { database, engine } = options;
  const { db } = database;
  let looks = 0;
  return createPoll({
    async look() {
      for (const id of await claimLateEvents(db)) await startOfEvent({ db, engine }, id);
      if (looks % pruneEvery === 0 && (await pruneEvents(db)) === pruneBatch) return 0;
      looks += 1;
      return Number.POSITIVE_INFINITY;
    },
    onError: (error) => options.onError(error, 'events'),
  });
}
