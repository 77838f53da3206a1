import type { AppRouter } from '@flowplane/server/app-router';
import type {
  AnyTRPCMutationProcedure,
  AnyTRPCQueryProcedure,
  inferProcedureInput,
  inferRouterError,
  inferRouterInputs,
  inferRouterOutputs,
  inferTransformedProcedureOutput,
} from '@trpc/server';
import type { CallOptions, MutationOptions } from './call-options.ts';
import type { ExecutionHandle } from './execution-handle.ts';
import type { procedures } from './procedures.gen.ts';

/** Any JSON value. */
export type Json = Outputs['executions']['get']['output'];

/** A workflow with its definition. */
export type Workflow = Outputs['workflows']['get'];

/** A row of the list of workflows. */
export type WorkflowSummary = Outputs['workflows']['list']['items'][number];

/** The graph of a workflow, as it may be written. */
export type Definition = Inputs['workflows']['create']['definition'];

/** A run of a workflow. */
export type Execution = Outputs['executions']['get'];

/** A row of the list of executions. */
export type ExecutionSummary = Outputs['executions']['list']['items'][number];

/** One node's part of an execution. */
export type Step = Outputs['executions']['steps']['items'][number];

/** A line that an execution logged. */
export type LogLine = Outputs['executions']['logs']['items'][number];

/** What registering and signing in answer. */
export type SignedIn = Outputs['auth']['login'];

/** An API key without its secret. */
export type ApiKey = Outputs['auth']['apiKeys']['list']['items'][number];

/** The error codes that this release of the API answers with. */
export type KnownErrorCode = inferRouterError<AppRouter>['data']['problem']['code'];

/** What every procedure takes, by its path: `Inputs['workflows']['create']`. */
export type Inputs = inferRouterInputs<AppRouter>;

/** What every procedure answers, by its path: `Outputs['workflows']['get']`. */
export type Outputs = inferRouterOutputs<AppRouter>;

type Call<Input, Output, Options> =
  Partial<Input> extends Input
    ? (input?: Input, options?: Options) => Promise<Output>
    : (input: Input, options?: Options) => Promise<Output>;

type All<Input, Item> =
  Partial<Input> extends Input
    ? (input?: Input, options?: CallOptions) => AsyncIterable<Item>
    : (input: Input, options?: CallOptions) => AsyncIterable<Item>;

/** Lists have a second method, which iterates. */
type Paging<Input, Output> = Output extends { items: (infer Item)[]; nextCursor: string | null }
  ? { all: All<Input, Item> }
  : unknown;

type Callable = AnyTRPCQueryProcedure | AnyTRPCMutationProcedure;
type Root = AppRouter['_def']['_config']['$types'];
type Keyed = {
  [Path in keyof typeof procedures]: (typeof procedures)[Path] extends { keyed: true } ? Path : never;
}[keyof typeof procedures];
type OptionsOf<Path> = Path extends Keyed ? MutationOptions : CallOptions;
type AnswerOf<Path, Output> = Path extends 'workflows.execute' ? ExecutionHandle : Output;

type Method<Path, Input, Output> = Call<Input, AnswerOf<Path, Output>, OptionsOf<Path>> & Paging<Input, Output>;

type Calls<Routes, Prefix extends string> = {
  [Name in keyof Routes]: Routes[Name] extends Callable
    ? Method<
        `${Prefix}${Name & string}`,
        inferProcedureInput<Routes[Name]>,
        inferTransformedProcedureOutput<Root, Routes[Name]>
      >
    : Calls<Routes[Name], `${Prefix}${Name & string}.`>;
};

/** Every procedure of the API as a method; the input may be left out where everything in it is optional. */
export type Client = Calls<AppRouter['_def']['record'], ''>;
