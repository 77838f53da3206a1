import type { Db } from '@flowplane/db/database';
import { accountOf } from '../auth/account-of.ts';
import { addressBucket } from '../auth/address.ts';
import type { Auth } from '../auth/auth.ts';
import { type From, record } from './record.ts';
import { recordRefusal } from './refusals.ts';

/** An account as the log knows it, with the session, not its public id, that a sign-in made or ended. */
type Owner = { userId: string; teamId: string | null; sessionId?: string };

/** Records what an account did by a call that needs no sign-in: with its password, or with a token that it was mailed. */
export function recordAccount(
  db: Db,
  { userId, teamId, sessionId }: Owner,
  { action, from }: { action: string; from: From },
): Promise<void> {
  const by = { kind: 'none', userId, teamId, sessionId: sessionId ?? null };
  return record(db, { action, by, from, resource: { type: 'user', id: userId } });
}

/** The same in the team that the account joined first. */
export async function recordOwner(db: Db, userId: string, event: { action: string; from: From }): Promise<void> {
  const found = await accountOf(db, 'id', userId);
  await recordAccount(db, { userId, teamId: found?.account.team.id ?? null }, event);
}

/**
 * Records that somebody did not know the password of an account, of which nobody knows who it was. For an email that nobody has there
 * is a row too, without a team and without the email: else the time of the answer told whether there is an account.
 */
export function recordFailedLogin(
  { database, refusals }: Pick<Auth, 'database' | 'refusals'>,
  account: { user: { id: string }; team: { id: string } } | undefined,
  from: From,
): Promise<void> {
  const counted = { caller: addressBucket(from.ip) };
  return recordRefusal({ db: database.db, refusals }, counted, {
    action: 'auth.login',
    by: { kind: 'none', userId: null, teamId: account?.team.id ?? null, sessionId: null },
    from,
    resource: { type: 'user', id: account?.user.id ?? null },
    code: 'invalid_credentials',
  });
}

/** Records that a refresh token came again after it was used, which ends its session; before it is deleted. */
export function recordReuse(db: Db, { userId, teamId, sessionId }: Required<Owner>, from: From): Promise<void> {
  return record(db, {
    action: 'auth.refresh',
    by: { kind: 'none', userId: null, teamId, sessionId },
    from,
    resource: { type: 'user', id: userId },
    code: 'unauthenticated',
  });
}
