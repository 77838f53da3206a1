import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/** Lets those who want, or leave, a slug take turns; always in the same order, so that no two wait for each other. */
export async function lockSlugs(tx: Db, ...slugs: string[]): Promise<void> {
  for (const slug of slugs.sort()) {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`flowplane slug ${slug}`}, 0))`.execute(tx);
  }
}

/**
 * Stores a team, unless its slug is another's or was: whoever still calls the webhooks of that team must not reach this one.
 *
 * @returns false when the slug cannot be had.
 */
export async function insertTeam(tx: Db, team: { id: string; name: string; slug: string }): Promise<boolean> {
  await lockSlugs(tx, team.slug);
  const former = await tx.selectFrom('former_slugs').select('slug').where('slug', '=', team.slug).executeTakeFirst();
  if (former) return false;
  const made = await tx
    .insertInto('teams')
    .values(team)
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .executeTakeFirst();
  return made.numInsertedOrUpdatedRows === 1n;
}

export function slugTaken(slug: string): Refusal {
  const message = `${slug} is, or was, the slug of another team: choose another`;
  return new Refusal('slug_taken', `slug: ${message}.`, [{ path: 'slug', message }]);
}

/**
 * Makes a slug a team's own for a change of it, and keeps its present one from others.
 *
 * @throws Refusal `slug_taken`.
 */
export async function exchangeSlug(tx: Db, { id, from, to }: { id: string; from: string; to: string }): Promise<void> {
  await lockSlugs(tx, from, to);
  const taken = await tx.selectFrom('teams').select('id').where('slug', '=', to).executeTakeFirst();
  const former = await tx.selectFrom('former_slugs').select('team_id').where('slug', '=', to).executeTakeFirst();
  if (taken || (former && former.team_id !== id)) throw slugTaken(to);
  await tx.deleteFrom('former_slugs').where('slug', '=', to).execute();
  await keepSlug(tx, from, id);
}

/**
 * Keeps a slug from everybody but the team that had it; from everybody when that is deleted. Not the slug of a team that has never
 * run anything, which nobody calls: else one could use up slugs by making and deleting teams.
 */
export async function keepSlug(tx: Db, slug: string, teamId: string): Promise<void> {
  const used = await tx
    .selectFrom('definitions')
    .select('hash')
    .where('team_id', '=', teamId)
    .limit(1)
    .executeTakeFirst();
  if (!used) return;
  await tx
    .insertInto('former_slugs')
    .values({ slug, team_id: teamId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
