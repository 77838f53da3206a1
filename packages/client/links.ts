import { httpBatchLink, httpLink, splitLink, type TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import type { Ask } from './answers.ts';
import { transformer } from './transformer.ts';

/** The server refuses larger batches. */
const batchSize = 10;

/** Servers commonly refuse request lines over 8 KB; longer batches of queries are split. */
const urlLength = 7_000;

/** How one becomes somebody. A token that has expired would be refused even here, so they are sent without. */
const anonymous = new Set([
  'auth.login',
  'auth.github.login',
  'auth.oidc.login',
  'auth.guests.create',
  'auth.refresh',
  'auth.email.verify',
  'auth.password.forgot',
  'auth.password.reset',
]);

/**
 * How calls become requests: the queries of one tick together, each mutation alone, because it has an `Idempotency-Key` of its
 * own and must not make others wait.
 *
 * @param ask sends a request as it is; `askSigned` adds who calls, `askIfSigned` where there is somebody.
 */
export function linksOf(options: {
  /** The address of the tRPC endpoint. */
  endpoint: string;
  headers: Record<string, string>;
  ask: Ask;
  askSigned: Ask;
  askIfSigned: Ask;
}): TRPCLink<AnyTRPCRouter>[] {
  const { headers, ask, askSigned, askIfSigned } = options;
  const common = { url: options.endpoint, transformer };
  const mutations = (fetch: Ask) =>
    httpLink({
      ...common,
      fetch,
      headers({ op: { context } }) {
        const { idempotencyKey: key } = context;
        return typeof key === 'string' ? { ...headers, 'idempotency-key': key } : headers;
      },
    });
  return [
    splitLink({
      condition: ({ type }) => type === 'query',
      true: httpBatchLink({ ...common, maxItems: batchSize, maxURLLength: urlLength, headers, fetch: askSigned }),
      false: splitLink({
        condition: ({ path }) => anonymous.has(path),
        true: mutations(ask),
        false: splitLink({
          // A guest who registers keeps everything, which takes saying who that is.
          condition: ({ path }) => path === 'auth.register',
          true: mutations(askIfSigned),
          false: mutations(askSigned),
        }),
      }),
    }),
  ];
}
