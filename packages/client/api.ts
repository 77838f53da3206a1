import type { AppRouter } from '@flowplane/server/app-router';
import type {
  AnyTRPCMutationProcedure,
  AnyTRPCQueryProcedure,
  AnyTRPCSubscriptionProcedure,
  inferProcedureInput,
  inferProcedureOutput,
  inferRouterError,
  inferRouterInputs,
  inferTransformedProcedureOutput,
} from '@trpc/server';
import type { CallOptions, MutationOptions } from './call-options.ts';
import type { ExecutionHandle } from './execution-handle.ts';
import type { procedures, usualErrors } from './procedures.gen.ts';
import type { StreamOptions } from './stream-options.ts';

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

/** What the stream of an execution tells; `done` is the last. */
export type ExecutionEvent = Outputs['executions']['events'];

/** What the stream of a workflow's logs tells. */
export type WorkflowLogEvent = Outputs['workflows']['logs'];

/** What registering and signing in answer. */
export type SignedIn = Outputs['auth']['login'];

/** A team of the caller's, with the caller's role in it. */
export type Team = Outputs['teams']['list']['items'][number];

/** Somebody in a team. */
export type Member = Outputs['teams']['members']['list']['items'][number];

/** An API key without its secret. */
export type ApiKey = Outputs['auth']['apiKeys']['list']['items'][number];

/** The error codes that this release of the API answers with. */
export type KnownErrorCode = inferRouterError<AppRouter>['data']['problem']['code'];

/** The error codes that any call may fail with. */
export type UsualErrorCode = (typeof usualErrors)[number] | 'network_error' | 'bad_response';

/** The error codes that a call may fail with, by the procedure's path: `ErrorCodes['workflows.execute']`. */
export type ErrorCodes = {
  -readonly [Path in keyof typeof procedures]:
    | UsualErrorCode
    | ((typeof procedures)[Path] extends { errors: readonly (infer Code)[] } ? Code : never);
};

/** What every procedure takes, by its path: `Inputs['workflows']['create']`. */
export type Inputs = inferRouterInputs<AppRouter>;

/** What every procedure answers, by its path: `Outputs['workflows']['get']`; of streams each event. */
export type Outputs = OutputsOf<AppRouter['_def']['record']>;

type Callable = AnyTRPCQueryProcedure | AnyTRPCMutationProcedure;
type Root = AppRouter['_def']['_config']['$types'];

type WithId<Event> = Event extends { event: infer Name; data: infer Data }
  ? { id: string; event: Name; data: Data }
  : never;
type EventOf<Output> =
  Output extends AsyncIterable<infer Item>
    ? Item extends { id: string; data: infer Event }
      ? WithId<Event>
      : never
    : never;

type OutputsOf<Routes> = {
  [Name in keyof Routes]: Routes[Name] extends AnyTRPCSubscriptionProcedure
    ? EventOf<inferProcedureOutput<Routes[Name]>>
    : Routes[Name] extends Callable
      ? inferTransformedProcedureOutput<Root, Routes[Name]>
      : OutputsOf<Routes[Name]>;
};

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

type Follow<Input, Event> =
  Partial<Input> extends Input
    ? (input?: Input, options?: StreamOptions) => AsyncIterable<Event>
    : (input: Input, options?: StreamOptions) => AsyncIterable<Event>;

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
    : Routes[Name] extends AnyTRPCSubscriptionProcedure
      ? Follow<inferProcedureInput<Routes[Name]>, EventOf<inferProcedureOutput<Routes[Name]>>>
      : Calls<Routes[Name], `${Prefix}${Name & string}.`>;
};

/** Every procedure of the API as a method; the input may be left out where everything in it is optional. */
export type Client = Calls<AppRouter['_def']['record'], ''>;
