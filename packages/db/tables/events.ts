import type { Json } from '@flowplane/contract/json';
import type { JSONColumnType } from 'kysely';

/** The event triggers of published versions. */
export type EventTriggersTable = {
  workflow_id: string;
  trigger_id: string;
  team_id: string;
  event: string;
  match: string | null;
};

export type EventsTable = {
  id: string;
  team_id: string;
  /** What everybody else calls its id: the sender's own name for it, or this row's id. */
  key: string;
  event: string;
  data: JSONColumnType<Json & object, string, string> | null;
  created_at: Date;
};

/** The executions that an event starts. */
export type EventStartsTable = {
  event_id: string;
  workflow_id: string;
  trigger_id: string;
  execution_id: string;
  version: number;
  definition_hash: string;
  /** When somebody should start it, unless who took the event has by then. Null once it is started. */
  due_at: Date | null;
};
