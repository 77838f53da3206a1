import { Refusal } from '@flowplane/contract/errors';

/** The instance's public address, with a slash at its end. */
function homeOf(publicUrl: string): URL {
  return new URL(`${publicUrl.replace(/\/+$/, '')}/`);
}

/** Where an identity provider sends the browser back to. It has to be registered there. */
export function callbackUrl(publicUrl: string, provider: string): string {
  return `${homeOf(publicUrl).href}api/v1/auth/${provider}/callback`;
}

/**
 * The address to which the browser goes at the end: a path of this instance, and nothing that a browser could take for another
 * place (`//evil`, `/\evil`, `javascript:`). Whole, as a path of it may begin with two slashes.
 *
 * @throws Refusal `invalid_input`.
 */
export function placeOf(publicUrl: string, returnTo: string | undefined): string {
  const home = homeOf(publicUrl);
  if (returnTo === undefined) return home.href;
  // Browsers take a backslash for a slash, and drop tabs and line breaks.
  const isPath = /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(returnTo);
  const place = isPath ? URL.parse(returnTo, home.href) : null;
  if (place?.origin === home.origin && place.pathname.startsWith(home.pathname)) return place.href;
  const message = `must be a path of this instance such as ${home.pathname}workflows`;
  throw new Refusal('invalid_input', `returnTo: ${message}`, [{ path: 'returnTo', message }]);
}
