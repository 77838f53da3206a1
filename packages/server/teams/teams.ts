import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { OwnTeam, TeamDetails, teamCreateInput, teamListInput } from '@flowplane/contract/team';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { TeamsTable } from '@flowplane/db/tables/teams';
import { inTransaction } from '@flowplane/db/transaction';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import { noTeam } from '../auth/chosen-team.ts';
import { createPersonalTeam } from '../auth/personal-team.ts';
import { roleColumns, roleOf } from '../auth/role-permissions.ts';
import type { Principal } from '../context.ts';
import { lockUsers } from './lock.ts';
import { insertTeam, slugTaken } from './slugs.ts';

export function teamOf(row: Selectable<TeamsTable>): TeamDetails {
  const { id, name, slug, revision } = row;
  return { id, name, slug, revision, createdAt: row.created_at, updatedAt: row.updated_at };
}

/** @throws Refusal `not_found`. */
export async function getTeam(db: Db, id: string): Promise<TeamDetails> {
  const row = await db.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw noTeam(id);
  return teamOf(row);
}

/** A page of the teams that the caller is in, newest first, with their role there; of an API key only its own. */
export async function listTeams(
  db: Db,
  { kind, userId, teamId }: Principal,
  { limit, cursor }: z.output<typeof teamListInput>,
): Promise<{ items: OwnTeam[]; nextCursor: string | null }> {
  let query = db
    .selectFrom('memberships as m')
    .innerJoin('teams as t', 't.id', 'm.team_id')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['t.id', 't.name', 't.slug', 'm.created_at'])
    .select(roleColumns)
    .where('m.user_id', '=', userId)
    .orderBy('m.team_id', 'desc')
    .limit(limit + 1);
  if (kind === 'apiKey') query = query.where('m.team_id', '=', teamId);
  if (cursor) query = query.where('m.team_id', '<', idOfCursor(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map((row) => {
    return { id: row.id, name: row.name, slug: row.slug, role: roleOf(row).role, joinedAt: row.created_at };
  });
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.id) : null };
}

/**
 * Makes sure that a user may join one more team. The user must be locked.
 *
 * @throws Refusal `quota_reached`.
 */
export async function requireRoomForTeam(tx: Db, userId: string): Promise<void> {
  const { count } = await tx
    .selectFrom('memberships')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  if (Number(count) < limits.teamsOfUser) return;
  throw new Refusal('quota_reached', `One can be in ${limits.teamsOfUser} teams at most: leave one first.`);
}

/**
 * Makes a team with the caller as its admin.
 *
 * @throws Refusal `slug_taken`, `quota_reached`, and `forbidden` for an API key, which is of one team.
 */
export async function createTeam(
  db: Db,
  { kind, userId }: Principal,
  { name, slug }: z.output<typeof teamCreateInput>,
): Promise<TeamDetails> {
  if (kind === 'apiKey') throw new Refusal('forbidden', 'An API key is of one team and cannot make another: sign in.');
  return inTransaction(db, async (tx) => {
    await lockUsers(tx, [userId]);
    await requireRoomForTeam(tx, userId);
    if (slug === undefined) return getTeam(tx, (await createPersonalTeam(tx, { userId, name })).id);
    const id = newId();
    if (!(await insertTeam(tx, { id, name, slug }))) throw slugTaken(slug);
    await tx.insertInto('memberships').values({ team_id: id, user_id: userId, role: 'admin' }).execute();
    return getTeam(tx, id);
  });
}
