// biome-ignore-all lint/performance/noBarrelFile: the second entry of a published package
export type { FlowplaneQueries } from './api.ts';
export type { ExecutionView } from './execution-view.ts';
export type {
  InfiniteQueryOptionsOf,
  ListProcedure,
  MutationOptionsOf,
  MutationProcedure,
  PathKey,
  QueryOptionsOf,
  QueryProcedure,
  SkippableQueryOptionsOf,
} from './procedures.ts';
export { createFlowplaneQueries } from './queries.ts';
export { useExecutionEvents } from './use-execution-events.ts';
