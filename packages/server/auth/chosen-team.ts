import { Refusal } from '@flowplane/contract/errors';
import { id } from '@flowplane/contract/id';
import type { Principal } from '../context.ts';
import type { Auth } from './auth.ts';
import { lookedUp } from './lookup.ts';
import { roleColumns, roleOf } from './role-permissions.ts';

/** What a user may be in a team: the part of a principal that depends on the team. */
export type Membership = Pick<Principal, 'teamId' | 'role' | 'permissions'>;

async function lookUp({ database }: Auth, userId: string, teamId: string): Promise<Membership | undefined> {
  const row = await database.db
    .selectFrom('memberships as m')
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(roleColumns)
    .where('m.user_id', '=', userId)
    .where('m.team_id', '=', teamId)
    .executeTakeFirst();
  return row && { teamId, ...roleOf(row) };
}

function teamIdOf(header: string | string[]): string {
  const { success, data } = id.safeParse(header);
  if (success) return data;
  const message = 'must be the UUID of one of your teams';
  throw new Refusal('invalid_input', `X-Team-Id ${message}.`, [{ path: 'X-Team-Id', message }]);
}

function within(principal: Principal, membership: Membership | undefined): Principal {
  // The same for a team that does not exist: who is not in it does not learn whether it does.
  if (!membership) throw new Refusal('forbidden', 'You are not in the team that X-Team-Id names.');
  return { ...principal, ...membership };
}

/**
 * The principal in the team that `X-Team-Id` names, with the role of that membership, which holds for a second; as it was
 * without the header. An API key is of one team, which alone it may name.
 *
 * @throws Refusal, also as a rejection: `invalid_input` for what is no UUID, `forbidden` for another's team.
 */
export function inChosenTeam(
  auth: Auth,
  principal: Principal,
  header: string | string[] | undefined,
): Principal | Promise<Principal> {
  if (header === undefined) return principal;
  const teamId = teamIdOf(header);
  if (teamId === principal.teamId) return principal;
  if (principal.kind === 'apiKey') {
    throw new Refusal('forbidden', 'The API key is of another team than X-Team-Id names: leave the header out.');
  }
  const { userId } = principal;
  const found = lookedUp(auth.memberships, `${userId} ${teamId}`, () => lookUp(auth, userId, teamId));
  return found instanceof Promise
    ? found.then((membership) => within(principal, membership))
    : within(principal, found);
}

/** The same for a team that does not exist. */
export function noTeam(id: string): Refusal {
  return new Refusal('not_found', `You are in no team ${id}.`);
}

/**
 * The principal in the team that a call is about, whatever team the request is in: with the role that they have there. An API key
 * is of one team, and there is no other for it.
 *
 * @throws Refusal, also as a rejection: `not_found` for a team that they are not in.
 */
export function inNamedTeam(auth: Auth, principal: Principal, teamId: string): Principal | Promise<Principal> {
  if (teamId === principal.teamId) return principal;
  if (principal.kind === 'apiKey') throw noTeam(teamId);
  const { userId } = principal;
  const found = lookedUp(auth.memberships, `${userId} ${teamId}`, () => lookUp(auth, userId, teamId));
  const there = (membership: Membership | undefined): Principal => {
    if (!membership) throw noTeam(teamId);
    return { ...principal, ...membership };
  };
  return found instanceof Promise ? found.then(there) : there(found);
}
