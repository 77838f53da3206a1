import type { Generated } from 'kysely';

/** What a keyed write answered, or reserved, for 24 hours. */
export type IdempotencyKeysTable = {
  team_id: string;
  user_id: string;
  /** The procedure's path. */
  procedure: string;
  key: string;
  /** SHA-256 of the input, hex. */
  input_hash: string;
  /** The answer, sealed with the instance's key as it may hold secrets; null where only an id is reserved. */
  sealed_output: string | null;
  /** The id that whatever the write makes is to have. */
  resource_id: string | null;
  created_at: Generated<Date>;
};
