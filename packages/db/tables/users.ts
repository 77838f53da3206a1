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
  /** When its owner proved to read the mail of `email`. */
  email_verified_at: Generated<Date | null>;
  created_at: Generated<Date>;
};
