import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import type { IdentitiesOptions } from '@flowplane/server/auth/identities/identities';
import type { Logger } from 'pino';
import type { Settings } from './settings.ts';
import type { Shutdown } from './shutdown.ts';

/** The host of a URL as an egress allow-list has it. */
function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

function gitHubOf(settings: Settings): IdentitiesOptions['gitHub'] {
  const { GITHUB_CLIENT_ID: clientId, GITHUB_CLIENT_SECRET: clientSecret } = settings;
  if (!clientId || !clientSecret) return undefined;
  const { GITHUB_AUTHORIZE_URL: authorizeUrl, GITHUB_TOKEN_URL: tokenUrl, GITHUB_API_URL: apiUrl } = settings;
  return { clientId, clientSecret, authorizeUrl, tokenUrl, apiUrl };
}

function oidcOf(settings: Settings): IdentitiesOptions['oidc'] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = settings;
  if (!issuer || !clientId) return undefined;
  return { issuer, clientId, clientSecret, scopes: settings.OIDC_SCOPES, title: settings.OIDC_NAME };
}

function clerkOf(settings: Settings, allowedOrigins: readonly string[]): IdentitiesOptions['clerk'] {
  const { CLERK_FRONTEND_URL: frontendUrl, CLERK_SECRET_KEY: secretKey, CLERK_API_URL: apiUrl } = settings;
  return frontendUrl ? { frontendUrl, secretKey, apiUrl, allowedOrigins } : undefined;
}

/**
 * Who else vouches for people, as the settings say; undefined for nobody. They are asked through a guarded fetch of their own: the
 * hosts that the operator names may be private, without workflows being let into them.
 *
 * @param allowedOrigins whose pages may have got a token of Clerk.
 */
export function identitiesOf(
  { settings, log, shutdown }: { settings: Settings; log: Logger; shutdown: Shutdown },
  allowedOrigins: readonly string[],
): IdentitiesOptions | undefined {
  const gitHub = gitHubOf(settings);
  const oidc = oidcOf(settings);
  const clerk = clerkOf(settings, allowedOrigins);
  if (!gitHub && !oidc && !clerk) return undefined;
  const named = [
    ...(gitHub ? [gitHub.tokenUrl, gitHub.apiUrl] : []),
    ...(oidc ? [oidc.issuer] : []),
    ...(clerk ? [clerk.frontendUrl, clerk.apiUrl] : []),
  ];
  const egress = createGuardedFetch({ allowPrivate: [...settings.EGRESS_ALLOW_PRIVATE, ...named.map(hostOf)] });
  shutdown.add('identity providers', egress.close);
  const onError = (error: Error, provider: string) => log.warn({ error, provider }, 'identity provider');
  return { gitHub, oidc, clerk, fetch: egress.fetch, onError };
}
