import { Refusal } from '@flowplane/contract/errors';
import type { Permission } from '@flowplane/contract/permissions';
import type { Tier } from '@flowplane/contract/tiers';
import type { Principal } from '../../context.ts';
import { scopesWithin } from '../role-permissions.ts';
import { lesserTier } from '../tiers.ts';

/** The scopes of a key that the caller makes: those wanted that the caller has. @throws Refusal `forbidden` when none are left. */
export function scopesFor({ permissions }: Principal, wanted: readonly string[] = [...permissions]): Permission[] {
  const scopes = [...new Set(scopesWithin(wanted, permissions))];
  if (scopes.length === 0) throw new Refusal('forbidden', 'You have none of these scopes, so neither can your key.');
  return scopes;
}

/** The tier of a key that the caller makes. @throws Refusal `forbidden` for one above the caller's. */
export function tierFor(principal: Principal, wanted: Tier = principal.tier): Tier {
  if (lesserTier(wanted, principal.tier) === wanted) return wanted;
  throw new Refusal('forbidden', `Your tier is ${principal.tier}, so your key cannot be ${wanted}.`);
}

/**
 * When a key expires that the caller makes: as wanted, else with the key that makes it, else never.
 *
 * @throws Refusal `invalid_input` for the past, `forbidden` for later than the key that makes it.
 */
export function expiryFor({ apiKey }: Principal, wanted: Date | undefined): Date | null {
  const last = apiKey?.expiresAt ?? null;
  if (!wanted) return last;
  if (wanted.getTime() <= Date.now()) {
    const message = 'must be in the future';
    throw new Refusal('invalid_input', `expiresAt: ${message}`, [{ path: 'expiresAt', message }]);
  }
  if (last === null || wanted <= last) return wanted;
  throw new Refusal(
    'forbidden',
    `Your key expires at ${last.toISOString()}, so one that it makes cannot expire later.`,
  );
}

/** A key as far as it matters who may have its secret. */
export type Powers = { scopes: readonly string[]; tier: Tier; expires_at: Date | null };

/**
 * Lets only those have the secret of a key who may do all that it may, for as long: else a narrow key would get a wide one.
 *
 * @throws Refusal `forbidden`.
 */
export function requireWithin(principal: Principal, { scopes, tier, expires_at: expiresAt }: Powers): void {
  if (principal.kind !== 'apiKey') return;
  const last = principal.apiKey?.expiresAt ?? null;
  const lasts = last === null || (expiresAt !== null && expiresAt <= last);
  const allowed = scopesWithin(scopes, principal.permissions).length === scopes.length;
  if (allowed && lasts && lesserTier(tier, principal.tier) === tier) return;
  throw new Refusal('forbidden', 'This key may do more than yours, or for longer: rotate it when signed in.');
}
