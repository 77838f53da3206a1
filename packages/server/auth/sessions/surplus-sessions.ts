import { limits } from '@flowplane/contract/limits';
import type { Auth } from '../auth.ts';
import { forgetSessions } from './sessions.ts';

/** Ends the sessions of a user beyond as many as there may be: those that were not used for longest. */
export async function endSurplusSessions(auth: Auth, userId: string): Promise<void> {
  const { db } = auth.database;
  const surplus = db
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .orderBy('last_used_at', 'desc')
    .orderBy('public_id', 'desc')
    .offset(limits.sessions);
  const ended = await db.deleteFrom('sessions').where('id', 'in', surplus).returning('id').execute();
  forgetSessions(
    auth,
    ended.map(({ id }) => id),
  );
}
