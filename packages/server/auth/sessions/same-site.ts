import { Refusal } from '@flowplane/contract/errors';
import type { Auth } from '../auth.ts';

const reading = new Set(['GET', 'HEAD']);

/** What a browser says about where a request comes from. Pages cannot forge these. */
export type OriginHeaders = {
  origin?: string | undefined;
  'sec-fetch-site'?: string | string[] | undefined;
  host?: string | undefined;
};

function isOurs({ allowedOrigins, secureCookies }: Auth, origin: string, host: string | undefined): boolean {
  if (allowedOrigins.has(origin)) return true;
  if (!host) return false;
  // Without secure cookies TLS may still end at a proxy before us, so both schemes are the same site there.
  return origin === `https://${host}` || (!secureCookies && origin === `http://${host}`);
}

/**
 * Guards against cross-site request forgery: browsers add the cookie to whatever another site makes them send. So a
 * request that may change something must say that it comes from here, by `Origin` or Fetch Metadata.
 *
 * @throws Refusal `cross_site_request`.
 */
export function requireSameSite(auth: Auth, headers: OriginHeaders, method: string): void {
  if (reading.has(method)) return;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return;
  const { origin, host } = headers;
  if (origin !== undefined && isOurs(auth, origin, host)) return;
  const instead =
    'Send it from a page of an allowed origin, or use an access token or an API key instead of the cookie.';
  throw new Refusal(
    'cross_site_request',
    `The session cookie does not count on a request from another site. ${instead}`,
  );
}

/**
 * Whether a browser says that another site's page makes a request. Where signing in needs no secret, that page would else put a
 * session of its own choice in the place of somebody's. Programs, which say nothing, are not browsers.
 */
export function isCrossSite(auth: Auth, { origin, 'sec-fetch-site': site, host }: OriginHeaders): boolean {
  return origin === undefined ? site === 'cross-site' : site !== 'same-origin' && !isOurs(auth, origin, host);
}
