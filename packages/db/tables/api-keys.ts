import type { Tier } from '@flowplane/contract/tiers';
import type { Generated } from 'kysely';

export type ApiKeysTable = {
  id: string;
  team_id: string;
  user_id: string;
  name: string;
  prefix: string;
  /** SHA-256 of the key, hex. */
  hash: string;
  /** SHA-256 of the key before it was rotated, which works until `previous_until`. */
  previous_hash: Generated<string | null>;
  previous_until: Generated<Date | null>;
  scopes: string[];
  tier: Tier;
  created_at: Generated<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
  /** Of the last minute in which it was used. */
  last_used_at: Generated<Date | null>;
};
