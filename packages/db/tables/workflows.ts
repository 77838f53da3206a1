import type { Definition } from '@flowplane/contract/definition';
import type { Generated, JSONColumnType } from 'kysely';

/** Every definition that was published or run, by content: an execution keeps the one it started with. */
export type DefinitionsTable = {
  team_id: string;
  /** SHA-256 of the JSON text, hex. */
  hash: string;
  body: JSONColumnType<Definition>;
  created_at: Generated<Date>;
};

export type WorkflowsTable = {
  id: string;
  team_id: string;
  name: string;
  description: string;
  /** The draft. */
  definition: JSONColumnType<Definition>;
  revision: Generated<number>;
  published_version: number | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
};

export type WorkflowVersionsTable = {
  workflow_id: string;
  version: number;
  team_id: string;
  definition_hash: string;
  published_by: string | null;
  published_at: Generated<Date>;
};

/** The webhooks of published versions. Where two workflows publish one path, the later publication answers. */
export type WebhooksTable = {
  workflow_id: string;
  trigger_id: string;
  team_id: string;
  method: string;
  path: string;
  respond: 'result' | 'immediate';
  published_at: Generated<Date>;
};
