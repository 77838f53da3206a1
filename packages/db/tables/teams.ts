import type { Role } from '@flowplane/contract/permissions';
import type { Generated } from 'kysely';

export type TeamsTable = {
  id: string;
  name: string;
  slug: string;
  created_at: Generated<Date>;
};

export type MembershipsTable = {
  team_id: string;
  user_id: string;
  role: Role;
  created_at: Generated<Date>;
};
