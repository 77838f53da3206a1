import type { Json } from '@flowplane/contract/json';
import type { Generated, JSONColumnType } from 'kysely';

type JsonColumn = JSONColumnType<Json & object, string | null, string | null> | null;

/** What steps wait for that is not a time: an event, somebody's approval, the end of an execution that they started. */
export type WaitsTable = {
  /** By which an approval is known. */
  id: Generated<string>;
  execution_id: string;
  path: string;
  team_id: string;
  kind: 'event' | 'approval' | 'call';
  /** Of an event: its name, and what its data must contain. */
  event: string | null;
  match: JsonColumn;
  /** Of a call: the execution that was started. */
  child_id: string | null;
  /** Of an approval: what is asked. */
  request: JsonColumn;
  /** How the step goes on, as soon as that is known: `{output, port?}` or `{error}`. */
  outcome: JsonColumn;
  created_at: Generated<Date>;
  /** When it is too late. */
  expires_at: Date | null;
  resolved_at: Date | null;
  resolved_by: string | null;
};
