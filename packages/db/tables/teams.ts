import type { Role } from '@flowplane/contract/permissions';
import type { Generated } from 'kysely';

export type TeamsTable = {
  id: string;
  name: string;
  slug: string;
  revision: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
};

/** Of `role`, a built-in one, and `role_id`, one of the team's own, exactly one is set. */
export type MembershipsTable = {
  team_id: string;
  user_id: string;
  role: Role | null;
  role_id: Generated<string | null>;
  created_at: Generated<Date>;
};

/** The roles that teams define. */
export type TeamRolesTable = {
  id: string;
  team_id: string;
  name: string;
  description: string;
  permissions: string[];
  revision: Generated<number>;
};

/** An invitation that is open, or was until lately: accepted and revoked ones are gone. */
export type TeamInvitationsTable = {
  id: string;
  team_id: string;
  email: string;
  role: Role | null;
  role_id: string | null;
  /** SHA-256 of the mailed token, hex. */
  hash: string;
  invited_by: string | null;
  created_at: Generated<Date>;
  expires_at: Date;
};

/** Slugs that teams had: what still calls their webhooks is not to reach another team. */
export type FormerSlugsTable = {
  slug: string;
  /** The team that may have it again; null when that is deleted. */
  team_id: string | null;
  left_at: Generated<Date>;
};
