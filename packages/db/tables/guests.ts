import type { Generated } from 'kysely';

/** Who works without an account: the row goes when they register, are merged into an account, or their time is over. */
export type GuestsTable = {
  user_id: string;
  /** Their own team, the only one that they are in. */
  team_id: string;
  expires_at: Date;
  /** The day (UTC) on which `started` executions were started. */
  started_on: Generated<Date>;
  started: Generated<number>;
};
