import type { Db } from '@flowplane/db/database';
import { roleColumns, roleOf } from './role-permissions.ts';
import type { Account } from './sign-in.ts';

/** The account of an email or an id, in the team that it joined first, with the hash of its password, if it has one. */
export async function accountOf(
  db: Db,
  by: 'email' | 'id',
  value: string,
): Promise<{ account: Account; passwordHash: string | null } | undefined> {
  const row = await db
    .selectFrom('users as u')
    .innerJoin('memberships as m', 'm.user_id', 'u.id')
    .innerJoin('teams as t', 't.id', 'm.team_id')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['u.id', 'u.email', 'u.name', 'u.tier', 'u.password_hash'])
    .select(roleColumns)
    .select(['t.id as team_id', 't.name as team_name', 't.slug'])
    .where(`u.${by}`, '=', value)
    .orderBy('m.created_at')
    .orderBy('m.team_id')
    .limit(1)
    .executeTakeFirst();
  if (!row) return undefined;
  const { id, email, name, tier } = row;
  const { role } = roleOf(row);
  const team = { id: row.team_id, name: row.team_name, slug: row.slug };
  return { account: { user: { id, email, name }, team, role, tier }, passwordHash: row.password_hash };
}
