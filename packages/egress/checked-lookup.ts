import { lookup as dnsLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import type { AllowList } from './allow-list.ts';
import { EgressError } from './errors.ts';
import { judgeAddress } from './judge.ts';

export type ResolvedAddress = { address: string; family: 4 | 6 };
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

/** Resolves by the system's resolver (hosts file included), in the order it gives. */
export async function resolveBySystem(hostname: string): Promise<ResolvedAddress[]> {
  const found = await dnsLookup(hostname, { all: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/**
 * A `lookup` for `net.connect` and `tls.connect` that resolves once, judges every address and gives the socket only those.
 * Because the socket connects to the very answer that was judged, there is no second resolution for DNS rebinding to win,
 * and a connection kept alive stays with its judged address. One bad address refuses the name as a whole: a mixed answer is
 * what an attack looks like. Address literals never reach a `lookup`; `judgeHost` must see them first.
 *
 * Errors reach the socket: EgressError `egress_blocked`, or `egress_failed` when the name does not resolve.
 */
export function createCheckedLookup(allow: AllowList, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolveChecked(allow, hostname, resolve).then(
      ([first, ...rest]) => {
        if (options.all) callback(null, [first, ...rest]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}

async function resolveChecked(
  allow: AllowList,
  hostname: string,
  resolve: Resolve,
): Promise<[ResolvedAddress, ...ResolvedAddress[]]> {
  const [first, ...rest] = await resolve(hostname).catch((cause: unknown) => {
    throw unresolved(hostname, cause);
  });
  if (first === undefined) throw unresolved(hostname, undefined);
  for (const { address } of [first, ...rest]) judgeAddress(allow, hostname, address);
  return [first, ...rest];
}

function unresolved(hostname: string, cause: unknown): EgressError {
  return new EgressError('egress_failed', `The host "${hostname}" could not be resolved; check its spelling.`, {
    cause,
  });
}
