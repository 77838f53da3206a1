import type { sessionListInput, sessionPage } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import { addressPrefix } from '../address.ts';
import type { Auth } from '../auth.ts';
import { deleteSessions, forgetSessions } from './sessions.ts';

/** The caller's living sessions in all their teams, newest first. */
export async function listSessions(
  auth: Auth,
  { userId, sessionId }: Principal,
  { limit, cursor }: z.output<typeof sessionListInput>,
): Promise<z.output<typeof sessionPage>> {
  const rows = await auth.database.db
    .selectFrom('sessions')
    .select(['id', 'public_id', 'created_at', 'last_used_at', 'expires_at', 'user_agent', 'ip'])
    .where('user_id', '=', userId)
    .where('expires_at', '>', sql<Date>`now()`)
    .where('absolute_expires_at', '>', sql<Date>`now()`)
    .$if(cursor !== undefined, (query) => query.where('public_id', '<', idOfCursor(cursor ?? '')))
    .orderBy('public_id', 'desc')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map((row) => ({
    id: row.public_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    address: addressPrefix(row.ip),
    userAgent: row.user_agent,
    current: row.id === sessionId,
  }));
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.id) : null };
}

/**
 * Ends one of the caller's sessions with its tokens, also the one that asks.
 *
 * @throws Refusal `not_found` for a session that is unknown, somebody else's or over.
 */
export async function endSession(auth: Auth, { userId }: Principal, { id }: { id: string }): Promise<void> {
  const ended = await auth.database.db
    .deleteFrom('sessions')
    .where('public_id', '=', id)
    .where('user_id', '=', userId)
    .returning('id')
    .executeTakeFirst();
  if (!ended) throw new Refusal('not_found', 'You have no such session.');
  forgetSessions(auth, [ended.id]);
}

/** Ends all sessions of the caller but the one that asks; an API key is of none, so all end. */
export async function endOtherSessions(auth: Auth, { userId, sessionId }: Principal): Promise<void> {
  forgetSessions(auth, await deleteSessions(auth.database.db, userId, sessionId ?? undefined));
}
