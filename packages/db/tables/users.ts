import type { Tier } from '@flowplane/contract/tiers';
import type { Generated } from 'kysely';

export type UsersTable = {
  id: string;
  /** Null for a guest, and for who signs in elsewhere without a verified one. */
  email: string | null;
  name: string;
  /** Null for who signs in by other means only. */
  password_hash: string | null;
  /** The instance's owner: may administer the platform. */
  is_owner: Generated<boolean>;
  tier: Generated<Tier>;
  /** When its owner proved to read the mail of `email`. */
  email_verified_at: Generated<Date | null>;
  created_at: Generated<Date>;
};
