import { Refusal } from '@flowplane/contract/errors';
import type {
  Invitation,
  invitationCreateInput,
  invitationListInput,
  invitationResendInput,
  invitationRevokeInput,
} from '@flowplane/contract/invitation';
import { limits } from '@flowplane/contract/limits';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { afterCommit, inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { mailLink } from '../auth/passwords/mail-link.ts';
import { takeInvitation, takeMail } from '../auth/passwords/throttle.ts';
import { type RoleRow, roleOf } from '../auth/role-permissions.ts';
import { newSecret, sha256 } from '../auth/secrets.ts';
import type { Principal } from '../context.ts';
import { invitationMail } from '../mail/templates.ts';
import { grantedRole } from './grants.ts';
import { lockTeam } from './lock.ts';

/** For how many days the link of an invitation works. */
const days = 7;

/** How every token of an invitation begins. */
export const invitationPrefix = 'fpi_';

const expiry = sql<Date>`clock_timestamp() + make_interval(days => ${days})`;
const now = sql<Date>`clock_timestamp()`;

/** The invitations that are open, by the database's clock. */
export function openInvitations(db: Db) {
  return db
    .selectFrom('team_invitations as i')
    .leftJoin('team_roles as tr', 'tr.id', 'i.role_id')
    .select(['i.id', 'i.team_id', 'i.email', 'i.invited_by', 'i.created_at', 'i.expires_at', 'i.role_id'])
    .select(['i.role', 'tr.name as role_name', 'tr.permissions as role_permissions'])
    .where('i.expires_at', '>', now);
}

type Row = RoleRow & {
  id: string;
  team_id: string;
  email: string;
  invited_by: string | null;
  created_at: Date;
  expires_at: Date;
};

function invitationOf(row: Row): Invitation {
  const { id, email } = row;
  return {
    id,
    teamId: row.team_id,
    email,
    role: roleOf(row).role,
    invitedBy: row.invited_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** A page of the team's open invitations, newest first. */
export async function listInvitations(
  db: Db,
  { teamId }: Principal,
  { limit, cursor }: z.output<typeof invitationListInput>,
): Promise<{ items: Invitation[]; nextCursor: string | null }> {
  let query = openInvitations(db)
    .where('i.team_id', '=', teamId)
    .orderBy('i.id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('i.id', '<', idOfCursor(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map(invitationOf);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.id) : null };
}

/**
 * Mails an invitation once it is committed, whoever the address belongs to: nobody learns whether it has an account. A person sends so
 * many in an hour, and so many go to an address; these do not count as mails that the owner of the address has asked for.
 *
 * @throws Throttled.
 */
async function mailInvitation(auth: Auth, principal: Principal, { id, token }: { id: string; token: string }) {
  const { db } = auth.database;
  const row = await openInvitations(db)
    .innerJoin('teams as t', 't.id', 'i.team_id')
    .innerJoin('users as u', (join) => join.on('u.id', '=', principal.userId))
    .select(['t.name as team', 'u.name as inviter'])
    .where('i.id', '=', id)
    .executeTakeFirstOrThrow();
  const { email: to, team, inviter } = row;
  await takeInvitation(auth.throttle, principal.userId);
  await takeMail(auth.throttle, `invitation ${to}`);
  const link = mailLink(auth.issuer, 'accept-invitation', token);
  const mail = invitationMail({ to, team, inviter, role: roleOf(row).role, link, minutes: days * 24 * 60 });
  await afterCommit(db, () => auth.mailer.send(async () => mail));
  return invitationOf(row);
}

/** @throws Refusal `quota_reached`. */
async function requireRoom(tx: Db, teamId: string): Promise<void> {
  const count = async (table: 'memberships' | 'team_invitations') => {
    const row = await tx
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('team_id', '=', teamId)
      .executeTakeFirstOrThrow();
    return Number(row.count);
  };
  if ((await count('team_invitations')) >= limits.openInvitations) {
    const message = `${limits.openInvitations} invitations are open: wait until some are accepted, or revoke some.`;
    throw new Refusal('quota_reached', message);
  }
  if ((await count('memberships')) >= limits.teamMembers) throw teamFull();
}

export function teamFull(): Refusal {
  return new Refusal('quota_reached', `The team has ${limits.teamMembers} members, and can have no more.`);
}

/** @throws Refusal `conflict` for who is in the team, or invited, already. */
async function requireNew(tx: Db, teamId: string, email: string): Promise<void> {
  const member = await tx
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select('u.id')
    .where('m.team_id', '=', teamId)
    .where('u.email', '=', email)
    .executeTakeFirst();
  if (member) throw new Refusal('conflict', `${email} is in the team already.`);
  const invited = await openInvitations(tx).where('i.team_id', '=', teamId).where('i.email', '=', email).execute();
  if (invited.length > 0)
    throw new Refusal('conflict', `${email} is invited already: resend the invitation, or revoke it.`);
}

/** Runs a change of invitations, with everything that is committed or mailed after it. */
function change<Result>(auth: Auth, teamId: string, work: (within: Auth) => Promise<Result>): Promise<Result> {
  return inTransaction(auth.database.db, async (db) => {
    await lockTeam(db, { id: teamId });
    return work({ ...auth, database: { ...auth.database, db } });
  });
}

/**
 * Invites an address to the team, by a link that works once, within a week, and for that address only.
 *
 * @throws Refusal `conflict`, `quota_reached`, `invalid_input` for a role that does not exist, `forbidden` for one that may do more
 *   than the caller, Throttled.
 */
export async function createInvitation(
  auth: Auth,
  principal: Principal,
  { email, role }: z.output<typeof invitationCreateInput>,
): Promise<Invitation> {
  const { teamId, userId } = principal;
  return change(auth, teamId, async (within) => {
    const tx = within.database.db;
    const ref = await grantedRole(tx, principal, role);
    await tx.deleteFrom('team_invitations').where('team_id', '=', teamId).where('expires_at', '<=', now).execute();
    await requireNew(tx, teamId, email);
    await requireRoom(tx, teamId);
    const [id, token] = [newId(), newSecret(invitationPrefix)];
    await tx
      .insertInto('team_invitations')
      .values({ id, team_id: teamId, email, ...ref, hash: sha256(token), invited_by: userId, expires_at: expiry })
      .execute();
    return mailInvitation(within, principal, { id, token });
  });
}

function noInvitation(id: string): Refusal {
  return new Refusal('not_found', `The team has no open invitation ${id}.`);
}

/**
 * Mails another link for an open invitation, which works for a week more; the one before does not work any more.
 *
 * @throws Refusal `not_found`, `forbidden` for a role that may do more than the caller, Throttled.
 */
export async function resendInvitation(
  auth: Auth,
  principal: Principal,
  { invitationId }: z.output<typeof invitationResendInput>,
): Promise<Invitation> {
  const { teamId, userId } = principal;
  return change(auth, teamId, async (within) => {
    const tx = within.database.db;
    const open = await openInvitations(tx)
      .where('i.id', '=', invitationId)
      .where('i.team_id', '=', teamId)
      .executeTakeFirst();
    if (!open) throw noInvitation(invitationId);
    await grantedRole(tx, principal, roleOf(open).role);
    const token = newSecret(invitationPrefix);
    await tx
      .updateTable('team_invitations')
      .set({ hash: sha256(token), expires_at: expiry, invited_by: userId })
      .where('id', '=', invitationId)
      .execute();
    return mailInvitation(within, principal, { id: invitationId, token });
  });
}

/** Makes an open invitation worthless. @throws Refusal `not_found`. */
export async function revokeInvitation(
  db: Db,
  { teamId }: Principal,
  { invitationId }: z.output<typeof invitationRevokeInput>,
): Promise<void> {
  const revoked = await db
    .deleteFrom('team_invitations')
    .where('id', '=', invitationId)
    .where('team_id', '=', teamId)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (revoked.numDeletedRows === 0n) throw noInvitation(invitationId);
}
