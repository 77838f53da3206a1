import type { Generated } from 'kysely';

/** A token that was mailed to somebody and works once, for one purpose. */
export type OneTimeTokensTable = {
  /** SHA-256 of the token, hex. */
  hash: string;
  user_id: string;
  purpose: 'verify_email' | 'reset_password';
  /** The address that it was sent to: it says nothing about another. */
  email: string;
  created_at: Generated<Date>;
  expires_at: Date;
};
