import type { Inputs, Outputs } from '../api.ts';
import type { ExecutionHandle } from '../execution-handle.ts';
import type { procedures } from '../procedures.gen.ts';
import type { ListProcedure, MutationProcedure, PathKey, QueryProcedure } from './procedures.ts';

type Procedures = typeof procedures;
type ProcedureOf<Path extends keyof Procedures, Input, Output> = Procedures[Path] extends { kind: 'mutation' }
  ? MutationProcedure<Input, Path extends 'workflows.execute' ? ExecutionHandle : Output>
  : Procedures[Path] extends { pages: true }
    ? ListProcedure<Input, Output>
    : QueryProcedure<Input, Output>;

type Streams = {
  [Path in keyof Procedures]: Procedures[Path] extends { kind: 'subscription' } ? Path : never;
}[keyof Procedures];

type Branch<In, Out, Prefix extends string> = { pathKey(): PathKey } & {
  [Name in keyof In & keyof Out as `${Prefix}${Name & string}` extends Streams
    ? never
    : Name]: `${Prefix}${Name & string}` extends keyof Procedures
    ? ProcedureOf<`${Prefix}${Name & string}`, In[Name], Out[Name]>
    : Branch<In[Name], Out[Name], `${Prefix}${Name & string}.`>;
};

/** Every query and mutation of the API for TanStack Query, at the path that it has in the client. */
export type FlowplaneQueries = Branch<Inputs, Outputs, ''>;
