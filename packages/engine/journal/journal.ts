import type { Failure, LogLevel, StepStatus } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Suspension } from '../node-type.ts';

/** How a step goes on that waited for something other than a time. */
export type Resolution = { output: Json; port?: string | undefined } | { error: Failure };

/** One step as the engine holds it. Values carry their JSON text, so that nothing is serialised twice. */
export type StepRecord = {
  path: string;
  position: number;
  nodeId: string;
  type: string;
  status: StepStatus;
  attempt: number;
  /** The port that was taken; of a skipped step `any` when it was passed over; of a failed one that the failure was dealt with. */
  port: string | undefined;
  inputText: string | undefined;
  output: Json | undefined;
  outputText: string | undefined;
  /** The JSON of what it last said of how far it is. */
  progressText: string | undefined;
  /** Of a waiting step: why it is to be tried again. */
  error: Failure | undefined;
  /** How long a waiting step waits from its commit, or until when. */
  wait: { seconds: number } | { until: Date } | undefined;
  /** What a waiting step waits for, where that is not a time; its id is the same when the commit of it is repeated. */
  suspension: (Suspension & { id: string }) | { kind: 'loaded' } | undefined;
  /** What that has come to. */
  resolution: Resolution | undefined;
  /** When the wait is over, on this process's monotonic clock; who wakes an execution later goes by the database's. */
  wakeAtMs: number | undefined;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  /** The number of its last change among the execution's events. */
  sequence: number;
};

/** The steps of one graph by the ids of their nodes. */
export type Journal = Map<string, StepRecord>;

/** What an earlier attempt at a step leaves to the next one. */
export type Attempt = Pick<StepRecord, 'attempt' | 'position' | 'startedAt' | 'progressText'>;

export type LogRecord = {
  position: number;
  path: string;
  level: LogLevel;
  message: string;
  dataText: string;
  at: Date;
  /** Its number among the execution's events. */
  sequence: number;
};
