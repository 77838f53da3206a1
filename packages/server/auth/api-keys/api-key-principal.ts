import { Refusal } from '@flowplane/contract/errors';
import { sql } from 'kysely';
import type { Principal } from '../../context.ts';
import type { Auth } from '../auth.ts';
import { noteUse } from '../last-used.ts';
import { lookedUp } from '../lookup.ts';
import { roleColumns, roleOf, scopesWithin } from '../role-permissions.ts';
import { sha256 } from '../secrets.ts';
import { lesserTier } from '../tiers.ts';

/** How every API key that is made here begins, so that people and secret scanners know one when they see it. */
export const apiKeyPrefix = 'fp_live_';

async function lookUp({ database }: Auth, hash: string): Promise<Principal | undefined> {
  const row = await database.db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .innerJoin('memberships as m', (join) =>
      join.onRef('m.user_id', '=', 'k.user_id').onRef('m.team_id', '=', 'k.team_id'),
    )
    .leftJoin('team_roles as tr', 'tr.id', 'm.role_id')
    .select(['k.id', 'k.prefix', 'k.expires_at', 'k.last_used_at'])
    .select(['k.user_id', 'k.team_id', 'k.scopes', 'k.tier', 'u.tier as owner_tier'])
    .select(roleColumns)
    .where((eb) =>
      eb.or([
        eb('k.hash', '=', hash),
        eb.and([eb('k.previous_hash', '=', hash), eb('k.previous_until', '>', sql<Date>`now()`)]),
      ]),
    )
    .where('k.revoked_at', 'is', null)
    .where((eb) => eb.or([eb('k.expires_at', 'is', null), eb('k.expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst();
  if (!row) return undefined;
  noteUse(database.db, 'api_keys', { id: row.id, lastUsedAt: row.last_used_at });
  const { user_id: userId, team_id: teamId } = row;
  const { role, permissions: owners } = roleOf(row);
  const permissions = new Set(scopesWithin(row.scopes, owners));
  const tier = lesserTier(row.tier, row.owner_tier);
  const apiKey = { id: row.id, prefix: row.prefix, expiresAt: row.expires_at, ownerTier: row.owner_tier };
  return { kind: 'apiKey', userId, teamId, role, permissions, tier, sessionId: null, apiKey };
}

function present(principal: Principal | undefined): Principal {
  if (!principal) throw new Refusal('unauthenticated', 'The API key is unknown, expired or revoked.');
  return principal;
}

/**
 * Whom an API key speaks for: its owner as they are now, cut to the key's scopes and tier. At once when it was looked up
 * within the last second.
 *
 * @throws Refusal `unauthenticated`, also as a rejection, for a key that is unknown, expired or revoked.
 */
export function apiKeyPrincipal(auth: Auth, key: string): Principal | Promise<Principal> {
  // Keys that were imported look as they did where they came from.
  if (!/^[\x21-\x7e]{16,256}$/.test(key)) {
    throw new Refusal(
      'unauthenticated',
      'This is not an API key: one has 16 to 256 characters of ASCII without spaces.',
    );
  }
  const hash = sha256(key);
  const found = lookedUp(auth.apiKeyPrincipals, hash, () => lookUp(auth, hash));
  return found instanceof Promise ? found.then(present) : found;
}
