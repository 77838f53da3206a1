import { Refusal } from '@flowplane/contract/errors';
import { z } from 'zod';
import { ask, away, type IssuerClient } from './issuer-client.ts';
import type { Grant } from './provider.ts';

export type TokenEndpoint = {
  url: string;
  clientId: string;
  /** Absent for a client that cannot keep one. */
  clientSecret: string | undefined;
  /** Whether the secret goes into the body, not into `Authorization`. */
  secretInBody: boolean;
};

const tokens = z.object({
  access_token: z.string().min(1).max(16_384),
  id_token: z.string().min(1).max(65_536).optional(),
});
export type Tokens = z.infer<typeof tokens>;

const fault = z.object({ error: z.string().max(100) });

/** What says that the code is at fault, and not how this instance is set up there. GitHub has names of its own. */
const faultsOfCode = new Set(['invalid_grant', 'bad_verification_code', 'incorrect_device_code']);

/** RFC 6749, section 2.3.1: both parts are encoded like forms before they are joined. */
function basic(id: string, secret: string): string {
  const [name, password] = [id, secret].map((part) => new URLSearchParams({ '': part }).toString().slice(1));
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

/**
 * Exchanges an authorization code for tokens (RFC 6749, section 4.1.3, with the verifier of RFC 7636). Not arctic's: its requests
 * would go out by the global `fetch`, past the judge of addresses, and without a bound.
 *
 * @throws Refusal `unauthenticated` for a code that is used, expired, foreign or of another verifier; `unavailable`.
 */
export async function exchangeCode(
  client: IssuerClient,
  { url, clientId, clientSecret, secretInBody }: TokenEndpoint,
  { code, verifier, redirectUri }: Grant,
): Promise<Tokens> {
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
  const body = new URLSearchParams({ ...form, client_id: clientId });
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
  if (clientSecret !== undefined && secretInBody) body.set('client_secret', clientSecret);
  if (clientSecret !== undefined && !secretInBody) headers.authorization = basic(clientId, clientSecret);
  const answer = await ask(client, url, { method: 'POST', headers, body: body.toString() });
  // GitHub says its errors with 200.
  const failed = fault.safeParse(answer.body);
  if (failed.success) {
    if (!faultsOfCode.has(failed.data.error)) throw away(client, new Error(`the token endpoint: ${failed.data.error}`));
    throw new Refusal('unauthenticated', `${client.title} did not accept the sign-in: begin again.`);
  }
  const { success, data } = tokens.safeParse(answer.body);
  if (answer.status === 200 && success) return data;
  throw away(client, new Error(`the token endpoint answered ${answer.status} without tokens`));
}
