import type { Definition } from '@flowplane/contract/definition';
import type { Generated, GeneratedAlways, JSONColumnType } from 'kysely';

/** Every definition that was published or run, by content: an execution keeps the one it started with. */
export type DefinitionsTable = {
  team_id: string;
  /** SHA-256 of the JSON text, hex. */
  hash: string;
  body: JSONColumnType<Definition>;
  created_at: Generated<Date>;
  /** When somebody last asked for it to be kept. */
  kept_at: Generated<Date>;
  /** Made of the body: how long executions of its workflow are kept. */
  retention_days: GeneratedAlways<number | null>;
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
  note: string | null;
  published_at: Generated<Date>;
};
