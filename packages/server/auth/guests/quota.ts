import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import type { Database, Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Context, Principal } from '../../context.ts';

const { workflows, versions, executionsPerDay, executionsUnderWay } = limits.guest;

const instead = 'Register an account, which keeps everything and has no such quota';

const today = sql<Date>`(now() at time zone 'utc')::date`;

/** How far a guest's quota of executions is used up; undefined for a team that is no guest's. */
async function standing(db: Db, teamId: string): Promise<{ refusal: Refusal | undefined } | undefined> {
  const { rows } = await sql<{ expired: boolean; usedUp: boolean; full: boolean }>`
    select expires_at <= now() as expired, started_on = ${today} and started >= ${executionsPerDay} as "usedUp",
      (select count(*) from executions where team_id = ${teamId} and due_at is not null) >= ${executionsUnderWay} as full
    from guests where team_id = ${teamId}`.execute(db);
  const [guest] = rows;
  if (!guest) return undefined;
  const refuse = (message: string) => ({ refusal: new Refusal('quota_reached', message) });
  if (guest.expired) return refuse('This guest has expired: nothing of theirs is started any more.');
  if (guest.usedUp) return refuse(`A guest may start ${executionsPerDay} executions a day (UTC). ${instead}.`);
  if (guest.full) {
    const most = `A guest may have ${executionsUnderWay} executions under way at once`;
    return refuse(`${most}: wait for one to end. ${instead}.`);
  }
  return { refusal: undefined };
}

/**
 * Refuses what a guest is about to start in vain, before anything is stored for it.
 *
 * @throws Refusal `quota_reached`.
 */
export async function requireStartLeft(db: Db, teamId: string): Promise<void> {
  const guest = await standing(db, teamId);
  if (guest?.refusal) throw guest.refusal;
}

/**
 * Counts an execution that a team is about to start, where it is a guest's.
 *
 * What a guest has under way is what is stored: starts at the same moment may exceed that by each other, never the day's number.
 *
 * @returns whether it is a guest's.
 * @throws Refusal `quota_reached`, and it is not counted.
 */
async function countStart(db: Db, teamId: string): Promise<boolean> {
  const { rows } = await sql`
    update guests set started_on = ${today}, started = case when started_on = ${today} then started else 0 end + 1
    where team_id = ${teamId} and expires_at > now() and (started_on < ${today} or started < ${executionsPerDay})
      and (select count(*) from executions where team_id = ${teamId} and due_at is not null) < ${executionsUnderWay}
    returning 1`.execute(db);
  if (rows.length > 0) return true;
  const guest = await standing(db, teamId);
  if (guest?.refusal) throw guest.refusal;
  // Unless one has ended just now.
  return guest === undefined ? false : countStart(db, teamId);
}

/** Teams remembered not to be a guest's: none becomes one. */
const remembered = 10_000;

/**
 * What the engine asks before it stores an execution, whatever starts it: with it guests keep within their quota.
 *
 * @param database the engine's own: who starts may hold a connection of another pool already.
 * @returns undefined where nothing has to be waited for.
 */
export function createStartQuota({ db }: Pick<Database, 'db'>): (teamId: string) => Promise<void> | undefined {
  const unlimited = new LRUCache<string, true>({ max: remembered });
  return (teamId) => {
    if (unlimited.has(teamId)) return undefined;
    return countStart(db, teamId).then((isGuest) => {
      if (!isGuest) unlimited.set(teamId, true);
    });
  };
}

const stored = {
  workflows: { table: 'workflows', most: workflows, what: 'workflows: delete one first' },
  versions: { table: 'workflow_versions', most: versions, what: 'versions of workflows' },
} as const;

/**
 * Stores one more workflow or version for a caller; a guest has a quota of them, also when several are stored at once.
 *
 * @throws Refusal `quota_reached`, besides what `store` throws.
 */
export async function withinQuota<Ctx extends Context & { principal: Principal }, Result>(
  ctx: Ctx,
  of: keyof typeof stored,
  store: (ctx: Ctx) => Promise<Result>,
): Promise<Result> {
  const { teamId, role } = ctx.principal;
  if (role !== 'guest') return store(ctx);
  const { table, most, what } = stored[of];
  return inTransaction(ctx.database.db, async (db) => {
    const guest = await db
      .selectFrom('guests')
      .select('team_id')
      .where('team_id', '=', teamId)
      .forUpdate()
      .executeTakeFirst();
    if (!guest) throw new Refusal('unauthenticated', 'This guest has registered, was merged or is gone: sign in.');
    const { count } = await db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('team_id', '=', teamId)
      .executeTakeFirstOrThrow();
    if (Number(count) >= most) {
      throw new Refusal('quota_reached', `A guest may have ${most} ${what}. ${instead}.`);
    }
    return store({ ...ctx, database: { ...ctx.database, db } });
  });
}
