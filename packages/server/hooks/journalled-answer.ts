import { json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import type { HttpAnswer } from '@flowplane/engine/node-type';
import { z } from 'zod';

const stored = z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: json });

/** What the first `respond` node of an execution answered, from the journal; undefined when none has run. */
export async function journalledAnswer({ db }: Database, executionId: string): Promise<HttpAnswer | undefined> {
  const row = await db
    .selectFrom('steps')
    .select('output')
    .where('execution_id', '=', executionId)
    .where('type', '=', 'respond')
    .where('status', '=', 'completed')
    .orderBy('position')
    .executeTakeFirst();
  return row && stored.parse(row.output);
}
