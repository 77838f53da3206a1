import { Refusal } from '@flowplane/contract/errors';
import { sql } from 'kysely';
import type { Principal } from '../context.ts';
import type { Auth } from './auth.ts';
import { permissionsOf, scopesWithin } from './role-permissions.ts';
import { looksLikeSecret, sha256 } from './secrets.ts';
import { lesserTier } from './tiers.ts';

/** How every API key begins, so that people and secret scanners know one when they see it. */
export const apiKeyPrefix = 'fp_live_';

/** How long (ms) a looked-up key is trusted: a revocation holds everywhere after this. */
export const apiKeyTrustMs = 1_000;

/** A looked-up key; a promise while the lookup runs, which others that come meanwhile share. */
export type KnownApiKey = { principal: Principal | Promise<Principal | undefined> };

async function lookUp({ database }: Auth, hash: string): Promise<Principal | undefined> {
  const row = await database.db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .innerJoin('memberships as m', (join) =>
      join.onRef('m.user_id', '=', 'k.user_id').onRef('m.team_id', '=', 'k.team_id'),
    )
    .select(['k.user_id', 'k.team_id', 'k.scopes', 'k.tier', 'm.role', 'u.tier as owner_tier'])
    .where('k.hash', '=', hash)
    .where('k.revoked_at', 'is', null)
    .where((eb) => eb.or([eb('k.expires_at', 'is', null), eb('k.expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst();
  if (!row) return undefined;
  const { user_id: userId, team_id: teamId, role } = row;
  const permissions = new Set(scopesWithin(row.scopes, permissionsOf(role)));
  const tier = lesserTier(row.tier, row.owner_tier);
  return { kind: 'apiKey', userId, teamId, role, permissions, tier, sessionId: null };
}

async function found(lookup: Promise<Principal | undefined>): Promise<Principal> {
  const principal = await lookup;
  if (!principal) throw new Refusal('unauthenticated', 'The API key is unknown, expired or revoked.');
  return principal;
}

async function learn(auth: Auth, hash: string): Promise<Principal> {
  const lookup = lookUp(auth, hash);
  // Kept from before the answer is there: the time of trust counts from when the database was asked.
  const known: KnownApiKey = { principal: lookup };
  auth.apiKeyPrincipals.set(hash, known);
  try {
    known.principal = await found(lookup);
    return known.principal;
  } catch (error) {
    auth.apiKeyPrincipals.delete(hash);
    throw error;
  }
}

/**
 * Whom an API key speaks for: its owner as they are now, cut to the key's scopes and tier. At once when it was looked up
 * within the last second.
 *
 * @throws Refusal `unauthenticated`, also as a rejection, for a key that is unknown, expired or revoked.
 */
export function apiKeyPrincipal(auth: Auth, key: string): Principal | Promise<Principal> {
  if (!looksLikeSecret(key, apiKeyPrefix))
    throw new Refusal('unauthenticated', 'This is not an API key of this instance.');
  const hash = sha256(key);
  const known = auth.apiKeyPrincipals.get(hash)?.principal;
  if (known === undefined) return learn(auth, hash);
  return known instanceof Promise ? found(known) : known;
}
