import { createRemoteJWKSet, customFetch, type RemoteJWKSet } from 'jose';
import { z } from 'zod';
import { askFor, type IssuerClient } from './issuer-client.ts';
import { restAfterFailure } from './rest-after-failure.ts';

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(100) });

/**
 * The public keys of an issuer. They are asked for again when they are ten minutes old, and when a token names another one: of
 * that, however many such tokens come, once in 30 seconds.
 *
 * @throws Refusal `unavailable`, as a rejection, when they cannot be had.
 */
export function remoteKeys(client: IssuerClient, url: string): RemoteJWKSet {
  const fetchKeys = restAfterFailure((signal: AbortSignal) => askFor(client, { url, signal, schema: keySet }));
  return createRemoteJWKSet(new URL(url), {
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    [customFetch]: async (_, { signal }) => Response.json(await fetchKeys(signal)),
  });
}
