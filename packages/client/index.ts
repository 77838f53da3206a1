// biome-ignore-all lint/performance/noBarrelFile: the one entry of a published package
export type {
  ApiKey,
  Client,
  Definition,
  Execution,
  ExecutionSummary,
  Inputs,
  Json,
  KnownErrorCode,
  LogLine,
  Outputs,
  SignedIn,
  Step,
  Workflow,
  WorkflowSummary,
} from './api.ts';
export type { CallOptions } from './call-options.ts';
export { type ClientOptions, createClient } from './client.ts';
export { type ErrorCode, type ErrorDetails, FlowplaneError } from './error.ts';
