import type { guestMerged, guestMergeInput } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { afterCommit, inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Webhooks } from '../../hooks/webhooks.ts';
import { keepSlug } from '../../teams/slugs.ts';
import type { Auth } from '../auth.ts';
import { deleteSessions, forgetSessions } from '../sessions/sessions.ts';
import { tokenPrincipal } from '../tokens/tokens.ts';
import { endGuest } from './end-guest.ts';
import { moveTeam } from './move.ts';

function badToken(message: string): Refusal {
  return new Refusal('invalid_input', `guestToken: ${message}.`, [{ path: 'guestToken', message }]);
}

/** @throws Refusal `invalid_input`: `unauthenticated` would say that the caller is not signed in. */
async function guestOf(auth: Auth, guestToken: string): Promise<Principal> {
  const isGood = async () => tokenPrincipal(auth, guestToken);
  const guest = await isGood().catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 'unauthenticated') {
      throw badToken('is not valid, or the guest was merged, has registered or is gone');
    }
    throw error;
  });
  if (guest.role !== 'guest') throw badToken('is not the access token of a guest');
  return guest;
}

/**
 * Moves everything of a guest into the team of the caller, and ends the guest with all tokens of it. All of it or nothing, once.
 *
 * What is under way goes on; what was looked up as the guest's just before, a webhook's call or a schedule, is not started there.
 *
 * @param scope.auth in a transaction, when the merge is to be part of one.
 * @throws Refusal `invalid_input` for a token that is no guest's, `forbidden` for a caller who is a guest too, `conflict` when the
 *   guest was merged, has registered or has expired meanwhile.
 */
export async function mergeGuest(
  { auth, engine, webhooks }: { auth: Auth; engine: Pick<Engine, 'nudge'>; webhooks: Pick<Webhooks, 'forget'> },
  { userId, teamId, role }: Principal,
  { guestToken }: z.output<typeof guestMergeInput>,
): Promise<z.output<typeof guestMerged>> {
  if (role === 'guest') throw new Refusal('forbidden', 'A guest is merged into an account: sign in to it first.');
  const guest = await guestOf(auth, guestToken);
  return inTransaction(auth.database.db, async (db) => {
    const from = { teamId: await endGuest(db, guest.userId), userId: guest.userId };
    const team = await db.selectFrom('teams').select('id').where('id', '=', teamId).forKeyShare().executeTakeFirst();
    if (!team) throw new Refusal('not_found', 'Your team was deleted meanwhile.');
    const { moved, handedBack } = await moveTeam(db, { from, to: { teamId, userId } });
    const ended = await deleteSessions(db, from.userId);
    const left = await db.deleteFrom('teams').where('id', '=', from.teamId).returning('slug').executeTakeFirstOrThrow();
    await keepSlug(db, left.slug, teamId);
    await db.deleteFrom('users').where('id', '=', from.userId).execute();
    await afterCommit(db, () => {
      forgetSessions(auth, ended);
      auth.memberships.delete(`${from.userId} ${from.teamId}`);
      webhooks.forget();
      engine.nudge(handedBack);
    });
    return moved;
  });
}
