import type { Generated } from 'kysely';

/** A sign-in. The cookie's token and the refresh token are stored only as SHA-256. */
export type SessionsTable = {
  /** SHA-256 of the cookie's token, hex. */
  id: string;
  user_id: string;
  team_id: string;
  created_at: Generated<Date>;
  expires_at: Date;
  /** The session ends here however often it is used. */
  absolute_expires_at: Date;
  /** The id by which people see and end it; `id` stays between the cookie and us. */
  public_id: Generated<string>;
  /** Of the last minute in which it was used. */
  last_used_at: Generated<Date>;
  user_agent: string | null;
  ip: string | null;
};

export type RefreshTokensTable = {
  /** SHA-256 of the token, hex. */
  hash: string;
  session_id: string;
  created_at: Generated<Date>;
  expires_at: Date;
  /** Set when it was exchanged; presenting it again ends the session. */
  used_at: Date | null;
  /** What it was exchanged for, sealed with the token itself. */
  sealed_successor: Generated<string | null>;
};
