// biome-ignore-all lint/performance/noBarrelFile: the one entry of a published package
export type {
  ApiKey,
  Client,
  Definition,
  ErrorCodes,
  Execution,
  ExecutionEvent,
  ExecutionSummary,
  Inputs,
  Json,
  KnownErrorCode,
  LogLine,
  Member,
  Outputs,
  SignedIn,
  Step,
  Team,
  UsualErrorCode,
  Workflow,
  WorkflowLogEvent,
  WorkflowSummary,
} from './api.ts';
export type { CallOptions, MutationOptions } from './call-options.ts';
export { createClient } from './client.ts';
export type { ClientOptions } from './client-options.ts';
export { type ErrorCode, type ErrorDetails, FlowplaneError } from './error.ts';
export type { ExecutionHandle, ExecutionMethods } from './execution-handle.ts';
export { type ErrorCodeOf, type FlowplaneErrorOf, isError } from './is-error.ts';
export type { Connection, StreamOptions } from './stream-options.ts';
export type { Session, Tokens } from './tokens.ts';
