import type { ResolvedAddress } from './checked-lookup.ts';
import { EgressError } from './errors.ts';
import { createGuardedFetch, type EgressPolicy, type GuardedFetch } from './guarded-fetch.ts';

/** A guarded fetch that ends its connections with the test. */
export function openEgress(policy: EgressPolicy): AsyncDisposable & { fetch: GuardedFetch } {
  const egress = createGuardedFetch(policy);
  return { fetch: egress.fetch, [Symbol.asyncDispose]: () => egress.close() };
}

/** A resolver over a fixed table, so that a test has host names without a DNS server. */
export function resolveFrom(table: Record<string, string[]>): (hostname: string) => Promise<ResolvedAddress[]> {
  return async (hostname) =>
    (table[hostname] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
}

/** The EgressError a request ends with; anything else fails the test. */
export async function failure(request: Promise<unknown>): Promise<EgressError> {
  const outcome = await request.then(
    () => new Error('The request succeeded'),
    (error: unknown) => error,
  );
  if (outcome instanceof EgressError) return outcome;
  throw outcome;
}
