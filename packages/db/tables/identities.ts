import type { IdentityProvider, SignInProvider } from '@flowplane/contract/identity';
import type { Generated } from 'kysely';

/** Who an account is elsewhere. */
export type IdentitiesTable = {
  id: string;
  user_id: string;
  provider: IdentityProvider;
  /** Whose word it is: a subject means nothing at another issuer. */
  issuer: string;
  subject: string;
  /** What people know it by there: a login, an email or a name. */
  label: string | null;
  created_at: Generated<Date>;
  last_used_at: Generated<Date>;
};

/** A way through an identity provider that somebody has begun and may end once. */
export type IdentityFlowsTable = {
  /** SHA-256 of the `state`, hex. */
  state_hash: string;
  /** SHA-256 of the cookie of the browser that began it, hex. */
  browser_hash: string;
  provider: SignInProvider;
  /** Where the browser goes afterwards: an address of this instance. */
  return_to: string;
  /** Who wants to link the identity; null to sign in. */
  user_id: string | null;
  /** The session in which they want to. */
  session_id: string | null;
  created_at: Generated<Date>;
  expires_at: Date;
};
