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
  scopes: string[];
  tier: Tier;
  created_at: Generated<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
};
