import type { Database } from '@flowplane/db/database';
import { claimed, type Lease, type LeaseRow, leaseOf, returned } from './lease.ts';

/** Executions that join their teams' queues at once. */
const mostQueued = 1_000;

/**
 * Whatever is due joins the queue of its team: waits that are over, and what was handed back. Those that have been due for longest
 * come first, and the queues decide between teams.
 */
const queueDue = `
  update executions set queue_rank = priority
  where id in (
    select id from executions
    where (queue_rank is null) and due_at <= now() and status <> 'running' and crashes = 0
    order by due_at limit ${mostQueued} for update skip locked)`;

/** Left by a dead worker. What was next to it when a worker died before may be what kills them, see {@link claimSuspect}. */
const claimLeft = `${claimed}
  where id in (
    select id from executions
    where (queue_rank is null) and due_at <= now() and status = 'running' and crashes = 0
    order by due_at limit $2 for update skip locked)
  ${returned}`;

const claimOneSuspect = `${claimed}
  where id = (select id from executions where crashes > 0 and due_at <= now() order by due_at limit 1 for update skip locked)
  ${returned}`;

/**
 * Goes from team to team, never through a team's queue: a claim costs the same whether one execution waits or a million do. SKIP
 * LOCKED lets any number of workers claim at once without waiting for each other or taking the same row. The teams are ordered by
 * more than their ids because only the index of the queues has that order: while most of the table waits, an index of all
 * executions would look as good, and lead through everything that a team has ever finished.
 */
export const claimTurns = `
  with recursive queues (team_id) as (
    (select team_id from executions where queue_rank is not null and crashes = 0 and team_id > $3
      order by team_id, queue_rank desc limit 1)
    union all
    select (
      select x.team_id from executions x
      where x.queue_rank is not null and x.crashes = 0 and x.team_id > q.team_id order by x.team_id, x.queue_rank desc limit 1)
    from queues q where q.team_id is not null
  ), turns as materialized (
    select team_id from queues where team_id is not null and team_id <> all($4::uuid[]) limit $2
  ), picked as materialized (
    select first.id from turns cross join lateral (
      select x.id from executions x
      where x.team_id = turns.team_id and x.queue_rank is not null and x.crashes = 0
      order by x.queue_rank desc, x.due_at, x.id
      limit (select ceil($2::float8 / count(*))::int from turns) for update skip locked
    ) first limit $2
  )
  ${claimed}
  where id in (select id from picked)
  ${returned}`;

const firstTeam = '00000000-0000-0000-0000-000000000000';

/** Lets what is due and in no queue join one. @returns whether there may be more. */
export async function queueDueExecutions(database: Database): Promise<boolean> {
  const { rowCount } = await database.pool.query({ name: 'queue-due', text: queueDue, values: [] });
  return rowCount === mostQueued;
}

/** Takes up to `most` executions that a dead worker has left, whoever they are of: they had their turn already. */
export async function claimLeftExecutions(database: Database, worker: string, most: number): Promise<Lease[]> {
  const { rows } = await database.pool.query<LeaseRow>({ name: 'claim-left', text: claimLeft, values: [worker, most] });
  return rows.map(leaseOf);
}

/**
 * Takes one of the executions that were there when a worker died a first time, and have made no progress since. A worker has one of
 * them at a time, so that those that were only next to the one that kills workers do not die of it again.
 */
export async function claimSuspect(database: Database, worker: string): Promise<Lease | undefined> {
  const { rows } = await database.pool.query<LeaseRow>({
    name: 'claim-suspect',
    text: claimOneSuspect,
    values: [worker],
  });
  return rows[0] && leaseOf(rows[0]);
}

/** Whose turn it is, kept from claim to claim. */
export type Turn = { after: string };

/** A turn that begins anywhere, so that not every process begins with the same teams. */
export function anyTurn(id: string): Turn {
  return { after: id };
}

type Claim = { worker: string; most: number; turn: Turn; except: string[] };

/**
 * Takes up to `most` executions from the queues: of each team as many as of any other, those after the team that had the last
 * turn first; within a team the highest priority, and what has been due for longest.
 *
 * @param claim.except teams that have enough already.
 */
export async function claimTurnsOf(database: Database, { worker, most, turn, except }: Claim): Promise<Lease[]> {
  const leases: Lease[] = [];
  const from = turn.after;
  for (const after of from === firstTeam ? [from] : [from, firstTeam]) {
    const left = most - leases.length;
    if (left === 0) break;
    const values = [worker, left, after, except];
    const { rows } = await database.pool.query<LeaseRow>({ name: 'claim-turns', text: claimTurns, values });
    leases.push(...rows.map(leaseOf));
    turn.after =
      rows.length < left
        ? firstTeam
        : (rows
            .map((row) => row.team_id)
            .toSorted()
            .at(-1) ?? firstTeam);
  }
  return leases;
}
