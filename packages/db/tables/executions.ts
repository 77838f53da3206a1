import type { Concurrency } from '@flowplane/contract/definition';
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
  /** What a webhook was called with, which expressions see as `run.request`; null where something else started it. */
  request: JsonColumn;
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
  /** How many events it has had: changes of its status and its steps, and log lines. Each has a number; some numbers are unused. */
  events: Generated<number>;
  /** The number of its status. A final one is the last event but `done`, which has the next number. */
  sequence: Generated<number>;
  /** The execution that waits for this one's end, and what becomes of this one when that ends first. */
  parent_id: string | null;
  /** The step that started it. */
  parent_path: string | null;
  on_parent_end: 'cancel' | 'leave' | null;
  /** How many executions are above it. */
  depth: Generated<number>;
  /** Raised by everything that a waiting step of it may have waited for. */
  signals: Generated<number>;
  /** The execution that this one was restarted from; it may be deleted. */
  restarted_from: string | null;
  /** Who comes first among those of a team that wait for a worker: the highest. */
  priority: Generated<number>;
  /** Its priority while it waits in its team's queue for a worker; null otherwise. */
  queue_rank: number | null;
  /** What it shares a limit with, within the workflow; null without a limit. While it waits for its turn it is due at infinity. */
  concurrency_key: string | null;
  concurrency_limit: number | null;
  concurrency_policy: Concurrency['policy'] | null;
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
  /** What it last said of how far it is. */
  progress: JsonColumn;
  /** When a waiting step is over. */
  wake_at: Date | null;
  started_at: Date | null;
  finished_at: Date | null;
  /** The number of its last change among the execution's events. */
  sequence: Generated<number>;
};

export type LogsTable = {
  execution_id: string;
  position: number;
  path: string;
  level: LogLevel;
  message: string;
  data: JsonColumn;
  at: Date;
  /** Its number among the execution's events. */
  sequence: Generated<number>;
  /** The execution's; null for lines from before there were streams. */
  workflow_id: string | null;
  /** The transaction that wrote it: a reader who has seen all below the oldest one under way misses none. */
  txid: Generated<string>;
};
