import type {
  apiKey,
  apiKeyCreateInput,
  apiKeyListInput,
  apiKeyPage,
  apiKeyWithSecret,
} from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import { isPermission, type Permission } from '@flowplane/contract/permissions';
import type { Tier } from '@flowplane/contract/tiers';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Principal } from '../context.ts';
import { apiKeyPrefix } from './api-key-principal.ts';
import type { Auth } from './auth.ts';
import { scopesWithin } from './role-permissions.ts';
import { newSecret, sha256 } from './secrets.ts';
import { lesserTier } from './tiers.ts';

const columns = ['id', 'name', 'prefix', 'scopes', 'tier', 'created_at', 'expires_at'] as const;
type Row = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  tier: Tier;
  created_at: Date;
  expires_at: Date | null;
};

function shown({ scopes, created_at, expires_at, ...row }: Row): z.output<typeof apiKey> {
  return { ...row, scopes: scopes.filter(isPermission), createdAt: created_at, expiresAt: expires_at };
}

function scopesFor({ permissions }: Principal, wanted: readonly string[] = [...permissions]): Permission[] {
  const scopes = [...new Set(scopesWithin(wanted, permissions))];
  if (scopes.length === 0) throw new Refusal('forbidden', 'You have none of these scopes, so neither can your key.');
  return scopes;
}

function tierFor(principal: Principal, wanted: Tier = principal.tier): Tier {
  if (lesserTier(wanted, principal.tier) === wanted) return wanted;
  throw new Refusal('forbidden', `Your tier is ${principal.tier}, so your key cannot be ${wanted}.`);
}

function expiryFor(wanted: Date | undefined): Date | null {
  if (!wanted) return null;
  if (wanted.getTime() > Date.now()) return wanted;
  const message = 'must be in the future';
  throw new Refusal('invalid_input', `expiresAt: ${message}`, [{ path: 'expiresAt', message }]);
}

/**
 * Makes an API key of the caller. Its scopes are cut to what the caller may do, all of that when none are named; its tier is
 * the caller's unless a lesser one is named.
 *
 * @returns the key itself too: only here, the database has its SHA-256.
 * @throws Refusal `forbidden` for scopes or a tier beyond the caller's, `invalid_input` for an expiry in the past.
 */
export async function createApiKey(
  auth: Auth,
  principal: Principal,
  input: z.output<typeof apiKeyCreateInput>,
): Promise<z.output<typeof apiKeyWithSecret>> {
  const key = newSecret(apiKeyPrefix);
  const row = await auth.database.db
    .insertInto('api_keys')
    .values({
      id: newId(),
      team_id: principal.teamId,
      user_id: principal.userId,
      name: input.name,
      prefix: key.slice(0, 16),
      hash: sha256(key),
      scopes: scopesFor(principal, input.scopes),
      tier: tierFor(principal, input.tier),
      expires_at: expiryFor(input.expiresAt),
    })
    .returning(columns)
    .executeTakeFirstOrThrow();
  return { ...shown(row), key };
}

/** The caller's API keys in their team that are not revoked, newest first, expired ones too. */
export async function listApiKeys(
  auth: Auth,
  { teamId, userId }: Principal,
  { limit, cursor }: z.output<typeof apiKeyListInput>,
): Promise<z.output<typeof apiKeyPage>> {
  const rows = await auth.database.db
    .selectFrom('api_keys')
    .select(columns)
    .where('team_id', '=', teamId)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .$if(cursor !== undefined, (query) => query.where('id', '<', idOfCursor(cursor ?? '')))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const items = rows.slice(0, limit).map(shown);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? cursorOf(last.id) : null };
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
    .returning('hash')
    .executeTakeFirst();
  if (!revoked) throw new Refusal('not_found', 'You have no such API key.');
  auth.apiKeyPrincipals.delete(revoked.hash);
}
