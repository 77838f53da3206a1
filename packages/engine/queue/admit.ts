import type { Concurrency } from '@flowplane/contract/definition';
import type { Failure } from '@flowplane/contract/execution';
import type { Database, Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { type EndedExecution, endWithin } from '../end.ts';

/** What executions share a limit with: the workflow, and what its `concurrency.key` gives for their input. */
export type Place = { workflowId: string; key: string };

/** What became of the executions of some places. */
export type Admitted = {
  /** They may run now. */
  admitted: string[];
  /** They were cancelled: for want of a place, or to make one. */
  ended: (EndedExecution & { teamId: string })[];
};

type Next = {
  id: string;
  team_id: string;
  concurrency_limit: number;
  concurrency_policy: Concurrency['policy'];
};
type Holder = { id: string; team_id: string };

/** Those of one place that are looked at in one go; the first to end calls for the next. */
const mostNext = 1_000;

const skipped: Failure = {
  code: 'concurrency_skipped',
  message: 'As many executions as the workflow’s concurrency allows were under way already.',
};
const replaced: Failure = {
  code: 'concurrency_replaced',
  message: 'A newer execution took its place, as the workflow’s concurrency says.',
};

type Plan = { admit: string[]; skip: Holder[]; replace: Holder[] };

/** @param holders those under way, the oldest first. @param next those that wait for their turn, in its order. */
function planOf(holders: Holder[], next: Next[]): Plan {
  const plan: Plan = { admit: [], skip: [], replace: [] };
  const under = [...holders];
  for (const one of next) {
    if (under.length >= one.concurrency_limit) {
      if (one.concurrency_policy === 'skip') plan.skip.push(one);
      if (one.concurrency_policy !== 'cancel-previous') continue;
      plan.replace.push(...under.splice(0, under.length - one.concurrency_limit + 1));
    }
    plan.admit.push(one.id);
    under.push(one);
  }
  return plan;
}

async function endAll(db: Db, ended: Holder[], error: Failure): Promise<Admitted['ended']> {
  const teams = Map.groupBy(ended, ({ team_id }) => team_id);
  const all: Admitted['ended'] = [];
  for (const [teamId, ofTeam] of teams) {
    const ids = ofTeam.map(({ id }) => id);
    const rows = await endWithin(db, { ids, teamId }, { status: 'cancelled', error });
    all.push(...rows.map((row) => ({ ...row, teamId })));
  }
  return all;
}

async function admitPlace(db: Db, { workflowId, key }: Place): Promise<Admitted> {
  const { rows: next } = await sql<Next>`
    select id, team_id, concurrency_limit, concurrency_policy from executions
    where workflow_id = ${workflowId} and concurrency_key = ${key} and due_at = 'infinity'
    order by priority desc, id limit ${mostNext}`.execute(db);
  if (next.length === 0) return { admitted: [], ended: [] };
  const { rows: holders } = await sql<Holder>`
    select id, team_id from executions
    where workflow_id = ${workflowId} and concurrency_key = ${key} and concurrency_key is not null and due_at < 'infinity'
    order by id`.execute(db);
  const { admit, skip, replace } = planOf(holders, next);
  const { rows } = await sql<{ id: string }>`
    update executions set due_at = now(), queue_rank = priority
    where id = any(${admit}) and due_at = 'infinity' returning id`.execute(db);
  const ended = [...(await endAll(db, replace, replaced)), ...(await endAll(db, skip, skipped))];
  const gone = new Set(ended.map(({ id }) => id));
  return { admitted: rows.flatMap(({ id }) => (gone.has(id) ? [] : id)), ended };
}

/**
 * Lets executions that wait for their turn run where there is room, or ends them, as their workflows' concurrency says. The only
 * way to a place: whoever admits holds the place's lock from before it counts until its commit, so that there are never more
 * under way than the limit, however many processes admit at once. Places are left without the lock, which only makes room.
 */
export async function admitPlaces(database: Database, places: Place[]): Promise<Admitted> {
  const byName = new Map(places.map((place) => [`${place.workflowId} ${place.key}`, place]));
  return database.db.transaction().execute(async (db) => {
    // In one order, so that two that admit do not wait for each other.
    await sql`
      select pg_advisory_xact_lock(lock) from (
        select distinct hashtextextended(name, 20091) as lock from unnest(${[...byName.keys()]}::text[]) name order by lock
      ) locks`.execute(db);
    const all: Admitted = { admitted: [], ended: [] };
    for (const place of byName.values()) {
      const { admitted, ended } = await admitPlace(db, place);
      all.admitted.push(...admitted);
      all.ended.push(...ended);
    }
    return all;
  });
}

/** The places where these executions wait for their turn. */
export async function placesOf(database: Database, ids: string[]): Promise<Place[]> {
  const { rows } = await database.pool.query<{ workflow_id: string; concurrency_key: string }>({
    name: 'places-of',
    text: `select distinct workflow_id, concurrency_key from executions
      where id = any($1) and due_at = 'infinity' and concurrency_key is not null`,
    values: [ids],
  });
  return rows.map((row) => ({ workflowId: row.workflow_id, key: row.concurrency_key }));
}

/** Places that are looked at in one go. */
const mostPlaces = 200;

/**
 * Places with room for executions that wait for them: whoever left died before it let the next in.
 *
 * @param after the last place of the look before. @returns also where the next look goes on.
 */
export async function placesWithRoom(
  database: Database,
  after: Place,
): Promise<{ places: Place[]; last: Place | undefined }> {
  const { rows } = await database.pool.query<{ workflow_id: string; concurrency_key: string; room: boolean }>({
    name: 'places-with-room',
    text: `
      with recursive waiting as (
        (select workflow_id, concurrency_key, concurrency_limit from executions
          where due_at = 'infinity' and (workflow_id, concurrency_key) > ($1::uuid, $2)
          order by workflow_id, concurrency_key limit 1)
        union all
        select n.* from waiting w cross join lateral (
          select x.workflow_id, x.concurrency_key, x.concurrency_limit from executions x
          where x.due_at = 'infinity' and (x.workflow_id, x.concurrency_key) > (w.workflow_id, w.concurrency_key)
          order by x.workflow_id, x.concurrency_key limit 1) n
      )
      select workflow_id, concurrency_key, (
        select count(*) from executions h
        where h.workflow_id = w.workflow_id and h.concurrency_key = w.concurrency_key
          and h.concurrency_key is not null and h.due_at < 'infinity') < concurrency_limit as room
      from (select * from waiting limit ${mostPlaces}) w`,
    values: [after.workflowId, after.key],
  });
  const found = rows.map((row) => ({ workflowId: row.workflow_id, key: row.concurrency_key, room: row.room }));
  return { places: found.filter(({ room }) => room), last: found.length === mostPlaces ? found.at(-1) : undefined };
}
