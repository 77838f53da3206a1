import type { Db } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { sql } from 'kysely';

type Scope = { db: Db; engine: Pick<Engine, 'cancelAll'> };

/** Guests looked for, and executions of one ended, at once. */
const batch = 100;

/** Ends what a guest has under way. Nothing is started any more for one that has expired. */
async function cancelAll({ db, engine }: Scope, teamId: string): Promise<void> {
  for (let found = batch; found === batch; ) {
    const rows = await db
      .selectFrom('executions')
      .select('id')
      .where('team_id', '=', teamId)
      .where('due_at', 'is not', null)
      .limit(batch)
      .execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0) await engine.cancelAll(teamId, ids);
    found = ids.length;
  }
}

/** @returns whether it was there to be removed. */
function remove(db: Db, userId: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const expired = tx
      .selectFrom('guests')
      .select('user_id')
      .where('user_id', '=', userId)
      .where('expires_at', '<=', sql<Date>`now()`)
      .forUpdate()
      .skipLocked();
    const guest = await tx
      .deleteFrom('guests')
      .where('user_id', 'in', expired)
      .returning(['team_id'])
      .executeTakeFirst();
    if (!guest) return false;
    const hook = await tx.selectFrom('webhooks').select('path').where('team_id', '=', guest.team_id).executeTakeFirst();
    // Before what they refer to, which goes with the team.
    await tx.deleteFrom('workflows').where('team_id', '=', guest.team_id).execute();
    const team = await tx
      .deleteFrom('teams')
      .where('id', '=', guest.team_id)
      .returning(['id', 'slug'])
      .executeTakeFirstOrThrow();
    // Whoever still calls these webhooks must not reach somebody else's.
    if (hook) await tx.insertInto('former_slugs').values({ slug: team.slug, team_id: null }).execute();
    await tx.deleteFrom('users').where('id', '=', userId).execute();
    return true;
  });
}

/**
 * Removes guests that have expired with everything of theirs, one after the other, and ends what they have under way first. Several
 * processes may do it at once.
 *
 * @param stopped asked between guests.
 * @returns how many it removed.
 */
export async function removeExpiredGuests(scope: Scope, stopped: () => boolean = () => false): Promise<number> {
  let removed = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const guests = await scope.db
      .selectFrom('guests')
      .select(['user_id', 'team_id'])
      .where('expires_at', '<=', sql<Date>`now()`)
      .where('user_id', '>', after)
      .orderBy('user_id')
      .limit(batch)
      .execute();
    for (const { user_id, team_id } of guests) {
      if (stopped()) return removed;
      await cancelAll(scope, team_id);
      if (await remove(scope.db, user_id)) removed += 1;
      after = user_id;
    }
    if (guests.length < batch) return removed;
  }
}
