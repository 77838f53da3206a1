import { Refusal } from '@flowplane/contract/errors';
import type { invitationAcceptInput, invitationPreview } from '@flowplane/contract/invitation';
import { limits } from '@flowplane/contract/limits';
import type { OwnTeam } from '@flowplane/contract/team';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { unusable } from '../auth/passwords/one-time-tokens.ts';
import { guess } from '../auth/passwords/throttle.ts';
import { markVerified } from '../auth/passwords/verify-email.ts';
import { roleOf } from '../auth/role-permissions.ts';
import { looksLikeSecret, sha256 } from '../auth/secrets.ts';
import type { Principal } from '../context.ts';
import { forgetPrincipals } from './forget.ts';
import { invitationPrefix, openInvitations, teamFull } from './invitations.ts';
import { lockTeam, lockUsers } from './lock.ts';
import { requireRoomForTeam } from './teams.ts';

async function findInvitation(db: Db, token: string) {
  if (!looksLikeSecret(token, invitationPrefix)) return undefined;
  return openInvitations(db).where('i.hash', '=', sha256(token)).executeTakeFirst();
}

/**
 * Lets a token be tried, as often as an address may guess.
 *
 * @throws Refusal `invalid_input` for one that does not work (any more), Throttled.
 */
export async function tryInvitation(auth: Auth, token: string, ip: string): Promise<void> {
  const { db } = auth.database;
  if (!(await guess(auth.throttle, { ip }, async () => (await findInvitation(db, token)) !== undefined))) {
    throw unusable();
  }
}

/** @throws Refusal `quota_reached`. */
async function requireSeat(tx: Db, teamId: string): Promise<void> {
  const { count } = await tx
    .selectFrom('memberships')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('team_id', '=', teamId)
    .executeTakeFirstOrThrow();
  if (Number(count) >= limits.teamMembers) throw teamFull();
}

/** Uses an open invitation up: of many who try at once, one gets it. The team must be locked. */
async function useInvitation(tx: Db, token: string) {
  const found = await findInvitation(tx, token);
  if (!found) throw unusable();
  const used = await tx.deleteFrom('team_invitations').where('hash', '=', sha256(token)).executeTakeFirst();
  // It was revoked in this moment.
  if (used.numDeletedRows === 0n) throw unusable();
  return found;
}

/**
 * Makes a user a member by an invitation to their address, which they have proved to read. Who is a member already keeps their role.
 *
 * @throws Refusal `invalid_input` for a token that does not work, `forbidden` when it was sent to another address, `quota_reached`.
 */
export async function joinByInvitation(
  tx: Db,
  { token, user }: { token: string; user: { id: string; email: string | null } },
): Promise<OwnTeam> {
  const open = await findInvitation(tx, token);
  if (!open) throw unusable();
  const team = await lockTeam(tx, { id: open.team_id });
  await lockUsers(tx, [user.id]);
  if (user.email === null || user.email !== open.email) {
    throw new Refusal('forbidden', 'This invitation was sent to another address: sign in with that one.');
  }
  const { email, team_id: teamId, role, role_id: roleId, ...rest } = await useInvitation(tx, token);
  await markVerified(tx, { id: user.id, email });
  const member = { team_id: teamId, user_id: user.id };
  const before = await tx
    .selectFrom('memberships as m')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['m.role', 'tr.name as role_name', 'tr.permissions as role_permissions', 'm.created_at'])
    .where('m.team_id', '=', teamId)
    .where('m.user_id', '=', user.id)
    .executeTakeFirst();
  const shown = { id: team.id, name: team.name, slug: team.slug };
  if (before) return { ...shown, role: roleOf(before).role, joinedAt: before.created_at };
  await requireSeat(tx, teamId);
  await requireRoomForTeam(tx, user.id);
  const made = await tx
    .insertInto('memberships')
    .values({ ...member, role, role_id: roleId })
    .returning('created_at')
    .executeTakeFirstOrThrow();
  return { ...shown, role: roleOf({ ...rest, role }).role, joinedAt: made.created_at };
}

/**
 * Makes the caller a member of the team that invited their address, which counts as verified from then on.
 *
 * @throws Refusal `invalid_input` for a token that does not work (any more), `forbidden` for an API key and for an invitation to
 *   another address, `quota_reached`, Throttled for an address that guesses.
 */
export async function acceptInvitation(
  auth: Auth,
  { principal, ip }: { principal: Principal; ip: string },
  { token }: z.output<typeof invitationAcceptInput>,
): Promise<OwnTeam> {
  const { kind, userId: id } = principal;
  if (kind === 'apiKey') throw new Refusal('forbidden', 'An API key cannot accept an invitation: sign in to do so.');
  await tryInvitation(auth, token, ip);
  const team = await inTransaction(auth.database.db, async (tx) => {
    const user = await tx.selectFrom('users').select(['id', 'email']).where('id', '=', id).executeTakeFirst();
    if (!user) throw new Refusal('unauthenticated', 'This account is gone.');
    return joinByInvitation(tx, { token, user });
  });
  await forgetPrincipals(auth);
  return team;
}

/** What an invitation is to, for the page on which it is accepted. @throws Refusal `invalid_input`, Throttled. */
export async function previewInvitation(
  auth: Auth,
  { token }: { token: string },
  { ip }: { ip: string },
): Promise<z.output<typeof invitationPreview>> {
  await tryInvitation(auth, token, ip);
  const row = await openInvitations(auth.database.db)
    .innerJoin('teams as t', 't.id', 'i.team_id')
    .leftJoin('users as u', 'u.id', 'i.invited_by')
    .select(['t.name as team', 'u.name as inviter'])
    .where('i.hash', '=', sha256(token))
    .executeTakeFirst();
  if (!row) throw unusable();
  const { team, email, inviter: invitedBy, expires_at: expiresAt } = row;
  return { team, email, role: roleOf(row).role, invitedBy, expiresAt };
}
