import type { Generated, JSONColumnType } from 'kysely';

/** What else is known of an event: the names of the input's fields, or that further refusals were not recorded. */
export type AuditDetails = { fields?: string[]; further?: 'not recorded' };

/** Stands for no team. */
export const noTeam = '00000000-0000-0000-0000-000000000000';

/** Who did what to what. Refers to no other row, and can be neither changed nor, for 30 days, deleted. */
export type AuditEventsTable = {
  id: string;
  /** `noTeam` for what concerns none: somebody tried to sign in by an unknown email. */
  team_id: string;
  user_id: string | null;
  /** The user's email as it was then. */
  email: string | null;
  /** How the caller was known: `session`, `jwt`, `apiKey`, …, or `none`. */
  principal: string;
  api_key_id: string | null;
  api_key_prefix: string | null;
  /** The session's public id. */
  session_id: string | null;
  /** The procedure's name: `workflows.create`. */
  action: string;
  resource_type: string | null;
  resource_id: string | null;
  outcome: 'done' | 'refused';
  /** Why it was refused. */
  code: string | null;
  details: JSONColumnType<AuditDetails>;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  created_at: Generated<Date>;
};
