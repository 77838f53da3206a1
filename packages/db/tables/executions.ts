import type { ExecutionStatus, Failure, LogLevel, StepStatus } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Generated, JSONColumnType } from 'kysely';

/** `json`, not `jsonb`: a value comes back with its keys in the order in which they went in. */
type JsonColumn = JSONColumnType<Json & object, string | null, string | null> | null;

export type ExecutionsTable = {
  id: string;
  team_id: string;
  workflow_id: string;
  version: number | null;
  definition_hash: string;
  status: ExecutionStatus;
  trigger: string;
  input: JsonColumn;
  output: JsonColumn;
  error: JSONColumnType<Failure, string | null, string | null> | null;
  /** The process that holds the lease. */
  worker: string | null;
  /** Raised by every take-over; a write that names an older one is refused. */
  fence: Generated<string>;
  /** When somebody should look at it: the lease's end, the wait's end, or at once. Null when final. */
  due_at: Date | null;
  /** Take-overs from a dead worker since the last progress. */
  crashes: Generated<number>;
  created_at: Generated<Date>;
  started_at: Date | null;
  finished_at: Date | null;
};

/** The journal. */
export type StepsTable = {
  execution_id: string;
  path: string;
  /** The order in which steps were first journalled. */
  position: number;
  node_id: string;
  type: string;
  status: StepStatus;
  attempt: number;
  port: string | null;
  input: JsonColumn;
  output: JsonColumn;
  error: JSONColumnType<Failure, string | null, string | null> | null;
  /** When a waiting step is over. */
  wake_at: Date | null;
  started_at: Date | null;
  finished_at: Date | null;
};

export type LogsTable = {
  execution_id: string;
  position: number;
  path: string;
  level: LogLevel;
  message: string;
  data: JsonColumn;
  at: Date;
};
