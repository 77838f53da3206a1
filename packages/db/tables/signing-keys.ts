import type { Generated } from 'kysely';

/** The RSA keys that sign access tokens; the private part is sealed with the instance's SECRET_KEY. */
export type SigningKeysTable = {
  kid: string;
  public_jwk: unknown;
  sealed_private_jwk: string;
  created_at: Generated<Date>;
  /** Shown to others before, so that everybody knows it when it begins to sign. */
  signs_from: Generated<Date>;
  /** `infinity` while no other has taken over. */
  verifies_until: Generated<Date>;
};
