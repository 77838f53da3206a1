import type { DataTag, InfiniteData, SkipToken } from '@tanstack/react-query';
import type { FlowplaneError } from '../error.ts';

/** Begins the keys of everything below a place: give it to `invalidateQueries`. */
export type PathKey = readonly unknown[];

/** What TanStack Query is told of failures: the client has tried again already where that helps, so that it need not. */
type Retry = (failures: number, error: FlowplaneError) => boolean;

/** What `useQuery` and `fetchQuery` take. Spread it to add `select`, `staleTime` and the like. */
export type QueryOptionsOf<Output> = {
  queryKey: DataTag<PathKey, Output, FlowplaneError>;
  queryFn: (context: { signal: AbortSignal }) => Promise<Output>;
  retry: Retry;
};

/** What `useQuery` takes where the input may not be known yet. */
export type SkippableQueryOptionsOf<Output> = Omit<QueryOptionsOf<Output>, 'queryFn'> & {
  queryFn: QueryOptionsOf<Output>['queryFn'] | SkipToken;
};

/** What `useInfiniteQuery` takes: pages of a list, each asked for by the cursor of the one before. */
export type InfiniteQueryOptionsOf<Output> = {
  queryKey: DataTag<PathKey, InfiniteData<Output>, FlowplaneError>;
  queryFn: (context: { signal: AbortSignal; pageParam: string | undefined }) => Promise<Output>;
  initialPageParam: string | undefined;
  getNextPageParam: (page: { nextCursor: string | null }) => string | null;
  retry: Retry;
};

/** What `useMutation` takes. */
export type MutationOptionsOf<Variables, Output> = {
  mutationKey: PathKey;
  mutationFn: (input: Variables) => Promise<Output>;
  retry: Retry;
};

type Given<Input> = Input extends void ? [] : Partial<Input> extends Input ? [input?: Input] : [input: Input];
// biome-ignore lint/suspicious/noConfusingVoidType: `mutate()` may leave out an argument that may be void
type Variables<Input> = Partial<Input> extends Input ? Input | void : Input;

/** A query for TanStack Query. */
export type QueryProcedure<Input, Output> = {
  /** Begins the keys of all inputs, of pages too. */
  pathKey(): PathKey;
  /** The key of an input; without it `pathKey()`. */
  queryKey(...input: Given<Input>): QueryOptionsOf<Output>['queryKey'];
  queryOptions(...input: Given<Input>): QueryOptionsOf<Output>;
  /** `skipToken` in the place of the input asks nothing yet. */
  queryOptions(input: Input | SkipToken): SkippableQueryOptionsOf<Output>;
};

/** A query of a list for TanStack Query. */
export type ListProcedure<Input, Output> = QueryProcedure<Input, Output> & {
  infiniteQueryKey(...input: Given<Omit<Input, 'cursor'>>): InfiniteQueryOptionsOf<Output>['queryKey'];
  /** `limit` is the size of the pages. */
  infiniteQueryOptions(...input: Given<Omit<Input, 'cursor'>>): InfiniteQueryOptionsOf<Output>;
};

/** A mutation for TanStack Query. */
export type MutationProcedure<Input, Output> = {
  mutationKey(): PathKey;
  mutationOptions(): MutationOptionsOf<Variables<Input>, Output>;
};
