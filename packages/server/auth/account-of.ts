import type { Db } from '@flowplane/db/database';
import type { Account } from './sign-in.ts';

/** The account of an email or an id, in the team that it joined first, with the hash of its password. */
export async function accountOf(
  db: Db,
  by: 'email' | 'id',
  value: string,
): Promise<{ account: Account; passwordHash: string } | undefined> {
  const row = await db
    .selectFrom('users as u')
    .innerJoin('memberships as m', 'm.user_id', 'u.id')
    .innerJoin('teams as t', 't.id', 'm.team_id')
    .select(['u.id', 'u.email', 'u.name', 'u.tier', 'u.password_hash', 'm.role'])
    .select(['t.id as team_id', 't.name as team_name', 't.slug'])
    .where(`u.${by}`, '=', value)
    .orderBy('m.created_at')
    .orderBy('m.team_id')
    .limit(1)
    .executeTakeFirst();
  if (!row) return undefined;
  const { id, email, name, role, tier } = row;
  const team = { id: row.team_id, name: row.team_name, slug: row.slug };
  return { account: { user: { id, email, name }, team, role, tier }, passwordHash: row.password_hash };
}
