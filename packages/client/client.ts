import { createTRPCUntypedClient, httpBatchLink } from '@trpc/client';
import superjson from 'superjson';
import { untilAborted } from './abort.ts';
import { answersOf } from './answers.ts';
import type { Client } from './api.ts';
import { callsOf } from './calls.ts';
import { failureOf } from './failure.ts';
import { procedures } from './procedures.gen.ts';

/** Where the API is and who calls it. */
export type ClientOptions = {
  /** The address of Flowplane, without a path of the API: `https://flowplane.example.com`. */
  url: string;
  /** Sent as `X-API-Key`. */
  apiKey?: string | undefined;
  /** An access token, or what gives the current one; asked before every request. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Further headers of every request. */
  headers?: Record<string, string> | undefined;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
};

/** The server refuses larger batches. */
const batchSize = 10;

/** Servers commonly refuse request lines over 8 KB; longer batches of queries are split. */
const urlLength = 7_000;

async function headersOf({ apiKey, token, headers }: ClientOptions): Promise<Record<string, string>> {
  const bearer = typeof token === 'function' ? await token() : token;
  return {
    ...headers,
    ...(apiKey ? { 'x-api-key': apiKey } : {}),
    ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
  };
}

/**
 * A client of the API: every procedure is a method, `client.workflows.create({ … })`. Calls made in the same tick go out as
 * one request. Dates are `Date`s.
 *
 * Its calls reject with a `FlowplaneError`, or with the reason of the signal that aborted them.
 */
export function createClient(options: ClientOptions): Client {
  const trpc = createTRPCUntypedClient({
    links: [
      httpBatchLink({
        url: `${options.url.replace(/\/+$/, '')}/trpc`,
        transformer: superjson,
        maxItems: batchSize,
        maxURLLength: urlLength,
        headers: () => headersOf(options),
        fetch: answersOf(options.fetch ?? ((url, init) => globalThis.fetch(url, init))),
      }),
    ],
  });
  const calls = callsOf(procedures, async (path, { kind }, { input, options: { signal } }) => {
    try {
      return await untilAborted(signal, () => trpc[kind](path, input, { signal }));
    } catch (error) {
      throw failureOf(error);
    }
  });
  // The methods come from a generated record of the paths that `Client` is typed by; a test keeps the two the same.
  return calls as Client;
}
