import { skipToken } from '@tanstack/react-query';
import type { Client } from '../api.ts';
import type { FlowplaneQueries } from './api.ts';

type Method = (input: unknown, options: { signal?: AbortSignal }) => Promise<unknown>;

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

/** The client has tried again where that helps. */
const retry = () => false;

function isEmpty(input: unknown): boolean {
  return input === undefined || (typeof input === 'object' && input !== null && Object.keys(input).length === 0);
}

function procedureOf(path: readonly string[], method: Method) {
  const pathKey = () => path;
  // A list without and with an empty input is the same list.
  const queryKey = (input?: unknown) => (isEmpty(input) || input === skipToken ? path : [...path, input]);
  const infiniteQueryKey = (input?: unknown) => [...path, input ?? {}, 'pages'];
  return {
    pathKey,
    queryKey,
    queryOptions: (input?: unknown) => ({
      queryKey: queryKey(input),
      queryFn: input === skipToken ? skipToken : ({ signal }: { signal: AbortSignal }) => method(input, { signal }),
      retry,
    }),
    infiniteQueryKey,
    infiniteQueryOptions: (input?: object) => ({
      queryKey: infiniteQueryKey(input),
      queryFn: ({ signal, pageParam: cursor }: { signal: AbortSignal; pageParam: string | undefined }) =>
        method({ ...input, ...(cursor && { cursor }) }, { signal }),
      initialPageParam: undefined,
      getNextPageParam: ({ nextCursor }: { nextCursor: string | null }) => nextCursor,
      retry,
    }),
    mutationKey: pathKey,
    mutationOptions: () => ({ mutationKey: path, mutationFn: (input: unknown) => method(input, {}), retry }),
  };
}

function branchOf(path: readonly string[], calls: object): object {
  const entries = Object.entries(calls).map(([name, value]): [string, unknown] => {
    const inner = [...path, name];
    return [name, isMethod(value) ? procedureOf(inner, value) : branchOf(inner, value)];
  });
  return { pathKey: () => path, ...Object.fromEntries(entries) };
}

/**
 * What TanStack Query needs of every query and mutation: `queryOptions`, `infiniteQueryOptions` and `mutationOptions` with keys
 * that tell their data's type. Queries are aborted when nobody wants them any more.
 *
 * @param options `scope` begins every key, `flowplane` when absent: give each client its own where one cache serves several, such
 * as several teams.
 */
export function createFlowplaneQueries(
  client: Client,
  { scope = 'flowplane' }: { scope?: string } = {},
): FlowplaneQueries {
  // Every method gets every factory; `FlowplaneQueries` names those that fit it, and a test keeps the two the same.
  return branchOf([scope], client) as FlowplaneQueries;
}
