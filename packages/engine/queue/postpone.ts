import type { Database } from '@flowplane/db/database';
import type { Lease } from './lease.ts';

/** Hands an execution back, for anybody to take after some seconds. */
export async function postpone(database: Database, { id, fence }: Lease, seconds: number): Promise<void> {
  await database.pool.query({
    name: 'postpone',
    text: `update executions set status = 'pending', worker = null, fence = fence + 1,
        due_at = now() + make_interval(secs => $3), events = events + 1, sequence = events + 1
      where id = $1 and fence = $2`,
    values: [id, fence, seconds],
  });
}
