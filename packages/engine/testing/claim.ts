import type { Database } from '@flowplane/db/database';
import { claimed, type Lease, type LeaseRow, leaseOf, returned } from '../queue/lease.ts';

/** Takes one execution if it is due, whatever has happened to its workers. */
export async function claimExecution(database: Database, worker: string, id: string): Promise<Lease | undefined> {
  const { rows } = await database.pool.query<LeaseRow>(
    `${claimed} where id = (select id from executions where id = $2 and due_at <= now() for update skip locked) ${returned}`,
    [worker, id],
  );
  return rows[0] && leaseOf(rows[0]);
}
