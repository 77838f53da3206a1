import type {
  apiKey,
  apiKeyCreateInput,
  apiKeyListInput,
  apiKeyPage,
  apiKeyWithSecret,
} from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import { isPermission } from '@flowplane/contract/permissions';
import type { Tier } from '@flowplane/contract/tiers';
import { newId } from '@flowplane/db/id';
import { afterCommit, inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { newSecret, sha256 } from '../secrets.ts';
import { expiryFor, scopesFor, tierFor } from './api-key-limits.ts';
import { apiKeyPrefix } from './api-key-principal.ts';
import { requireRoomForKeys } from './room-for-keys.ts';

export const apiKeyColumns = [
  'id',
  'name',
  'prefix',
  'scopes',
  'tier',
  'created_at',
  'expires_at',
  'last_used_at',
] as const;
type Row = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  tier: Tier;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
};

/** A key as its owner sees it. */
export function shownApiKey({ scopes, created_at, expires_at, last_used_at, ...row }: Row): z.output<typeof apiKey> {
  const times = { createdAt: created_at, expiresAt: expires_at, lastUsedAt: last_used_at };
  return { ...row, scopes: scopes.filter(isPermission), ...times };
}

/**
 * Makes an API key of the caller. Its scopes are cut to what the caller may do, all of that when none are named; its tier is
 * the caller's unless a lesser one is named; one that an API key makes expires with that key at the latest.
 *
 * @returns the key itself too: only here, the database has its SHA-256.
 * @throws Refusal `forbidden` for scopes, a tier or an expiry beyond the caller's, `invalid_input` for an expiry in the past,
 *   `quota_reached` for one key too many.
 */
export async function createApiKey(
  auth: Auth,
  principal: Principal,
  input: z.output<typeof apiKeyCreateInput>,
): Promise<z.output<typeof apiKeyWithSecret>> {
  const key = newSecret(apiKeyPrefix);
  const values = {
    id: newId(),
    team_id: principal.teamId,
    user_id: principal.userId,
    name: input.name,
    prefix: key.slice(0, 16),
    hash: sha256(key),
    scopes: scopesFor(principal, input.scopes),
    tier: tierFor(principal, input.tier),
    expires_at: expiryFor(principal, input.expiresAt),
  };
  const row = await inTransaction(auth.database.db, async (tx) => {
    await requireRoomForKeys(tx, principal.userId, 1);
    return tx.insertInto('api_keys').values(values).returning(apiKeyColumns).executeTakeFirstOrThrow();
  });
  return { ...shownApiKey(row), key };
}

/** The caller's API keys in their team that are not revoked, newest first, expired ones too. */
export async function listApiKeys(
  auth: Auth,
  { teamId, userId }: Principal,
  { limit, cursor }: z.output<typeof apiKeyListInput>,
): Promise<z.output<typeof apiKeyPage>> {
  const rows = await auth.database.db
    .selectFrom('api_keys')
    .select(apiKeyColumns)
    .where('team_id', '=', teamId)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .$if(cursor !== undefined, (query) => query.where('id', '<', idOfCursor(cursor ?? '')))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(shownApiKey);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.id) : null };
}

/** Makes this process ask again about an API key that has changed, as soon as that is committed. */
export function forgetApiKey(auth: Auth, { hash, previous_hash }: { hash: string; previous_hash: string | null }) {
  void afterCommit(auth.database.db, () => {
    auth.apiKeyPrincipals.delete(hash);
    if (previous_hash) auth.apiKeyPrincipals.delete(previous_hash);
  });
}

/**
 * Revokes an API key: at once in this process, within a second in every other.
 *
 * @throws Refusal `not_found` for a key that is unknown, somebody else's or revoked already.
 */
export async function revokeApiKey(auth: Auth, { teamId, userId }: Principal, { id }: { id: string }): Promise<void> {
  const revoked = await auth.database.db
    .updateTable('api_keys')
    .set({ revoked_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .returning(['hash', 'previous_hash'])
    .executeTakeFirst();
  if (!revoked) throw new Refusal('not_found', 'You have no such API key.');
  forgetApiKey(auth, revoked);
}
