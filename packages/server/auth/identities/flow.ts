import type { SignedIn } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { Identity, identityCallbackQuery, SignInProvider } from '@flowplane/contract/identity';
import { sql } from 'kysely';
import type { z } from 'zod';
import { recordAccount } from '../../audit/account.ts';
import type { Principal } from '../../context.ts';
import { accountOf } from '../account-of.ts';
import type { Auth } from '../auth.ts';
import { looksLikeSecret, sha256 } from '../secrets.ts';
import type { SignInFrom } from '../sessions/sessions.ts';
import { signIn } from '../sign-in.ts';
import { accountFor } from './account-for.ts';
import type { Claims } from './claims.ts';
import { endedFlowCookie, flowMinutes, flowSecretOf, newFlowCookie, proofsOf } from './flow-cookie.ts';
import { providerOf } from './identities.ts';
import { linkIdentity } from './link.ts';
import type { Provider } from './provider.ts';
import { callbackUrl, placeOf } from './return-to.ts';

/** Who begins, and where they want to be afterwards. */
type Beginning = { provider: SignInProvider; returnTo?: string | undefined; linkTo?: Principal };

/**
 * Begins the way to an identity provider and back (OAuth 2.0 with PKCE), to sign in, or to link the identity to an account.
 *
 * @returns where the browser goes, and the `Set-Cookie` value without which nobody can come back.
 * @throws Refusal `not_configured`, `invalid_input` for a `returnTo` that is elsewhere, `unavailable`.
 */
export async function beginFlow(
  auth: Auth,
  { provider: name, returnTo, linkTo }: Beginning,
): Promise<{ url: string; cookie: string }> {
  const provider = providerOf(auth.identities, name);
  const place = placeOf(auth.issuer, returnTo);
  const authorizeUrl = await provider.authorizeUrl();
  // Here, as it brings sixty providers along, which take longer to load than all of ours.
  const { CodeChallengeMethod, generateState, OAuth2Client } = await import('arctic');
  const state = generateState();
  const { secret, cookie } = newFlowCookie(auth.secureCookies, state);
  const { verifier, nonce } = proofsOf(secret);
  const client = new OAuth2Client(provider.clientId, null, callbackUrl(auth.issuer, name));
  const s256 = CodeChallengeMethod.S256;
  const url = client.createAuthorizationURLWithPKCE(authorizeUrl, state, s256, verifier, [...provider.scopes]);
  if (provider.hasNonce) url.searchParams.set('nonce', nonce);
  await auth.database.db
    .insertInto('identity_flows')
    .values({
      state_hash: sha256(state),
      browser_hash: sha256(secret),
      provider: name,
      return_to: place,
      user_id: linkTo?.userId ?? null,
      session_id: linkTo?.sessionId ?? null,
      expires_at: sql<Date>`now() + make_interval(mins => ${flowMinutes})`,
    })
    .execute();
  return { url: url.href, cookie };
}

/** The one answer for a state that is unknown, used, expired or another browser's. */
function noSuchFlow(): Refusal {
  const message = 'is not of a way that this browser has begun, was used before or has expired: begin again';
  return new Refusal('invalid_input', `state: ${message}`, [{ path: 'state', message }]);
}

/** Uses a way up, if this browser began it: of many who try at once, one gets it. */
async function useFlow({ database }: Auth, provider: SignInProvider, { state, secret }: Record<string, string>) {
  const used = await database.db
    .deleteFrom('identity_flows')
    .where('state_hash', '=', sha256(state ?? ''))
    .where('browser_hash', '=', sha256(secret ?? ''))
    .where('provider', '=', provider)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['return_to', 'user_id'])
    .executeTakeFirst();
  if (!used) throw noSuchFlow();
  return { returnTo: used.return_to, linkTo: used.user_id };
}

type Query = z.output<typeof identityCallbackQuery>;

/** The code that a provider has sent. @throws Refusal when it sent something else, or is another one. */
function codeOf({ title, issuer }: Provider, { code, error, iss }: Query): string {
  // RFC 9207: an answer of another issuer, which that one could have got hold of.
  if (iss !== undefined && iss.replace(/\/+$/, '') !== issuer) {
    throw new Refusal('invalid_input', 'iss: is not the issuer that the browser was sent to.');
  }
  if (error === 'access_denied') throw new Refusal('forbidden', `You did not allow it at ${title}: nothing was done.`);
  if (code === undefined || error !== undefined) {
    throw new Refusal('unauthenticated', `${title} did not sign you in: begin again.`);
  }
  return code;
}

/** How it ended: somebody is signed in, or an identity is linked. Then the browser goes to `returnTo`. */
export type Finished = { returnTo: string; cookies: string[] } & ({ signedIn: SignedIn } | { identity: Identity });

async function signInBy(auth: Auth, claims: Claims, from: SignInFrom): Promise<{ signedIn: SignedIn; cookie: string }> {
  const { db } = auth.database;
  const userId = await accountFor(db, claims);
  const found = await accountOf(db, 'id', userId);
  if (!found) throw new Refusal('forbidden', 'This account is in no team any more.');
  const { sessionId, ...signedIn } = await signIn(auth, found.account, from);
  const owner = { userId, teamId: found.account.team.id, sessionId };
  await recordAccount(db, owner, { action: `auth.${claims.provider}.login`, from });
  return signedIn;
}

/**
 * Ends a way where it began: once, in the same browser, within ten minutes. A code that comes without is not even looked at.
 *
 * @throws Refusal `invalid_input` for a `state` that is missing, used, expired or another browser's; `forbidden` when the user said
 *   no; `unauthenticated` when the provider does not stand by it; `email_taken` or `conflict` when it is not for this account.
 */
export async function finishFlow(
  auth: Auth,
  name: SignInProvider,
  { query, cookieHeader, from }: { query: Query; cookieHeader: string | undefined; from: SignInFrom },
): Promise<Finished> {
  const provider = providerOf(auth.identities, name);
  const { state } = query;
  const secret = looksLikeSecret(state) ? flowSecretOf(auth.secureCookies, state, cookieHeader) : undefined;
  if (secret === undefined) throw noSuchFlow();
  const { returnTo, linkTo } = await useFlow(auth, name, { state, secret });
  const code = codeOf(provider, query);
  const redirectUri = callbackUrl(auth.issuer, name);
  const claims = await provider.identify({ code, redirectUri, ...proofsOf(secret) });
  const ended = endedFlowCookie(auth.secureCookies, state);
  if (linkTo !== null) {
    const identity = await linkIdentity(auth.database.db, linkTo, { claims, from });
    return { returnTo, cookies: [ended], identity };
  }
  const { signedIn, cookie } = await signInBy(auth, claims, from);
  return { returnTo, cookies: [ended, cookie], signedIn };
}
