import type { Generated } from 'kysely';

/** The RSA keys that sign access tokens; the private part is sealed with the instance's SECRET_KEY. */
export type SigningKeysTable = {
  kid: string;
  public_jwk: unknown;
  sealed_private_jwk: string;
  created_at: Generated<Date>;
};
