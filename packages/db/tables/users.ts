import type { Tier } from '@flowplane/contract/tiers';
import type { Generated } from 'kysely';

export type UsersTable = {
  id: string;
  email: string;
  name: string;
  password_hash: string;
  /** The instance's owner: may administer the platform. */
  is_owner: Generated<boolean>;
  tier: Generated<Tier>;
  created_at: Generated<Date>;
};
