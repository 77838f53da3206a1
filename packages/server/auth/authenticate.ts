import { Refusal } from '@flowplane/contract/errors';
import type { Principal } from '../context.ts';
import { apiKeyPrefix, apiKeyPrincipal } from './api-keys/api-key-principal.ts';
import type { Auth } from './auth.ts';
import { inChosenTeam } from './chosen-team.ts';
import { clerkPrincipal, saysItIsOf } from './identities/clerk-principal.ts';
import { type OriginHeaders, requireSameSite } from './sessions/same-site.ts';
import { sessionPrincipal, sessionTokenOf } from './sessions/sessions.ts';
import { tokenPrincipal } from './tokens/tokens.ts';

/** The headers that say who calls; Node's `request.headers` is one of these. */
export type CredentialHeaders = OriginHeaders & {
  authorization?: string | undefined;
  'x-api-key'?: string | string[] | undefined;
  cookie?: string | undefined;
  'x-team-id'?: string | string[] | undefined;
};

function bearer(auth: Auth, authorization: string): Principal | Promise<Principal> {
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined)
    throw new Refusal('unauthenticated', 'Authorization must be `Bearer` and a token or API key.');
  if (token.startsWith(apiKeyPrefix)) return apiKeyPrincipal(auth, token);
  const { clerk } = auth.identities;
  if (clerk && !auth.verifiedTokens.has(token) && saysItIsOf(clerk, token)) return clerkPrincipal(auth, clerk, token);
  return tokenPrincipal(auth, token);
}

function caller(
  auth: Auth,
  headers: CredentialHeaders,
  method: string,
): Principal | undefined | Promise<Principal | undefined> {
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string') return apiKeyPrincipal(auth, apiKey);
  if (apiKey !== undefined) throw new Refusal('unauthenticated', 'Send one X-API-Key.');
  if (headers.authorization !== undefined) return bearer(auth, headers.authorization);
  const token = headers.cookie === undefined ? undefined : sessionTokenOf(auth, headers.cookie);
  if (token === undefined) return undefined;
  requireSameSite(auth, headers, method);
  return sessionPrincipal(auth, token);
}

/**
 * Finds who calls, by the first there is of: `X-API-Key`, `Authorization: Bearer` with an API key, access token or token of Clerk, the
 * session cookie. Answers without a promise when the credential was seen before, because every request asks.
 *
 * A header that is no good is refused and never falls back to the cookie. A cookie that is no good is nobody: browsers send
 * it by themselves and pages cannot remove it, so else an expired session could not even sign in again.
 *
 * A user is in the team of their session, or in the one that `X-Team-Id` names.
 *
 * @param method of the HTTP request, in capitals.
 * @returns undefined for nobody.
 * @throws Refusal, also as a rejection: `unauthenticated`; `cross_site_request` for a cookie on a request other than
 *   GET and HEAD that does not come from our own or an allowed origin; `invalid_input` or `forbidden` for `X-Team-Id`.
 */
export function authenticate(
  auth: Auth,
  headers: CredentialHeaders,
  method: string,
): Principal | undefined | Promise<Principal | undefined> {
  const found = caller(auth, headers, method);
  const team = headers['x-team-id'];
  // Nobody has no team to choose.
  if (team === undefined || found === undefined) return found;
  if (found instanceof Promise) return found.then((principal) => principal && inChosenTeam(auth, principal, team));
  return inChosenTeam(auth, found, team);
}
