import type { Permission } from '@flowplane/contract/permissions';
import type { Tier } from '@flowplane/contract/tiers';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import { noteUse } from '../last-used.ts';
import { roleColumns, roleOf } from '../role-permissions.ts';

/** What is kept of a sign-in. */
export type SessionFacts = { teamId: string; userAgent: string | null; ip: string | null };

/** What a session lets its user do, as it stands now. */
export type UserFacts = { role: string; permissions: ReadonlySet<Permission>; tier: Tier };

type StoredSession = { id: string; userId: string; expiresAt: Date; attributes: SessionFacts };
type StoredUser = { id: string; attributes: UserFacts };

/** Days after which a session ends however often it is used. */
export const absoluteDays = 90;

// A session near its absolute end would else be written at every request, and parallel requests would each write it.
const leastGain = sql`interval '1 minute'`;

const columns = ['id', 'user_id', 'team_id', 'expires_at', 'user_agent', 'ip'] as const;
type Row = {
  id: string;
  user_id: string;
  team_id: string;
  expires_at: Date;
  user_agent: string | null;
  ip: string | null;
};

function sessionOf(row: Row): StoredSession {
  const attributes = { teamId: row.team_id, userAgent: row.user_agent, ip: row.ip };
  return { id: row.id, userId: row.user_id, expiresAt: row.expires_at, attributes };
}

/**
 * The seven statements that lucia asks of a database, on our tables. Its own checks use the process's clock and know no
 * absolute lifetime, so these hold both by the database's clock: `expires_at` never passes `absolute_expires_at`.
 */
export function sessionAdapter(db: Db) {
  return {
    async getSessionAndUser(id: string): Promise<[session: StoredSession | null, user: StoredUser | null]> {
      const row = await db
        .selectFrom('sessions as s')
        .innerJoin('users as u', 'u.id', 's.user_id')
        .innerJoin('memberships as m', (join) =>
          join.onRef('m.user_id', '=', 's.user_id').onRef('m.team_id', '=', 's.team_id'),
        )
        .select(['s.id', 's.user_id', 's.team_id', 's.expires_at', 's.user_agent', 's.ip', 's.last_used_at'])
        .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
        .select(roleColumns)
        .select('u.tier')
        .where('s.id', '=', id)
        .where('s.expires_at', '>', sql<Date>`now()`)
        .where('s.absolute_expires_at', '>', sql<Date>`now()`)
        .executeTakeFirst();
      if (!row) return [null, null];
      noteUse(db, 'sessions', { id: row.id, lastUsedAt: row.last_used_at });
      return [sessionOf(row), { id: row.user_id, attributes: { ...roleOf(row), tier: row.tier } }];
    },

    async getUserSessions(userId: string): Promise<StoredSession[]> {
      const rows = await db
        .selectFrom('sessions')
        .select(columns)
        .where('user_id', '=', userId)
        .where('expires_at', '>', sql<Date>`now()`)
        .where('absolute_expires_at', '>', sql<Date>`now()`)
        .orderBy('created_at', 'desc')
        .execute();
      return rows.map(sessionOf);
    },

    async setSession({ id, userId, expiresAt, attributes }: StoredSession): Promise<void> {
      // A guest's sessions end with the guest.
      const end = sql<Date>`least(now() + make_interval(days => ${absoluteDays}), (select expires_at from guests where user_id = ${userId}))`;
      await db
        .insertInto('sessions')
        .values({
          id,
          public_id: newId(),
          user_id: userId,
          team_id: attributes.teamId,
          expires_at: sql<Date>`least(${expiresAt}::timestamptz, ${end})`,
          absolute_expires_at: end,
          user_agent: attributes.userAgent,
          ip: attributes.ip,
        })
        .execute();
    },

    async updateSessionExpiration(id: string, expiresAt: Date): Promise<void> {
      const capped = sql<Date>`least(${expiresAt}::timestamptz, absolute_expires_at)`;
      await db
        .updateTable('sessions')
        .set({ expires_at: capped })
        .where('id', '=', id)
        .where('expires_at', '<', sql<Date>`${capped} - ${leastGain}`)
        .execute();
    },

    async deleteSession(id: string): Promise<void> {
      await db.deleteFrom('sessions').where('id', '=', id).execute();
    },

    async deleteUserSessions(userId: string): Promise<void> {
      await db.deleteFrom('sessions').where('user_id', '=', userId).execute();
    },

    /** Removes at most 100, so that nobody waits long for it and processes do not wait for each other. */
    async deleteExpiredSessions(): Promise<void> {
      const expired = db.selectFrom('sessions').select('id').where('expires_at', '<=', sql<Date>`now()`);
      await db
        .deleteFrom('sessions')
        .where('id', 'in', expired.orderBy('expires_at').limit(100).forUpdate().skipLocked())
        .execute();
    },
  };
}
