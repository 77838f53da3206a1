import type { Failure, LogLevel, StepStatus } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';

/** One step as the engine holds it. Values carry their JSON text, so that nothing is serialised twice. */
export type StepRecord = {
  path: string;
  position: number;
  nodeId: string;
  type: string;
  status: StepStatus;
  attempt: number;
  port: string | undefined;
  inputText: string | undefined;
  output: Json | undefined;
  outputText: string | undefined;
  error: Failure | undefined;
  /** How long a waiting step waits from its commit, or until when. */
  wait: { seconds: number } | { until: Date } | undefined;
  /** When the wait is over, on this process's monotonic clock; who wakes an execution later goes by the database's. */
  wakeAtMs: number | undefined;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
};

/** The steps of an execution by path. */
export type Journal = Map<string, StepRecord>;

export type LogRecord = {
  position: number;
  path: string;
  level: LogLevel;
  message: string;
  dataText: string;
  at: Date;
};
