import { deriveKey } from '../seal.ts';
import { looksLikeSecret, newSecret, sha256 } from '../secrets.ts';

/** Minutes within which the browser has to be back. */
export const flowMinutes = 10;

const prefix = 'fpf_';

/** Each way has a cookie of its own, so that two tabs do not get in each other's way. */
function nameOf(secureCookies: boolean, state: string): string {
  return `${secureCookies ? '__Host-' : ''}flow-${sha256(state).slice(0, 16)}`;
}

function written(
  secureCookies: boolean,
  state: string,
  { value, seconds }: { value: string; seconds: number },
): string {
  const secure = secureCookies ? '; Secure' : '';
  // Lax, as the browser comes back from another site.
  return `${nameOf(secureCookies, state)}=${value}; HttpOnly; Max-Age=${seconds}; Path=/; SameSite=Lax${secure}`;
}

/** The secret of the browser that begins a way, and the `Set-Cookie` value that gives it to it. */
export function newFlowCookie(secureCookies: boolean, state: string): { secret: string; cookie: string } {
  const secret = newSecret(prefix);
  return { secret, cookie: written(secureCookies, state, { value: secret, seconds: flowMinutes * 60 }) };
}

/** The `Set-Cookie` value that removes it. */
export function endedFlowCookie(secureCookies: boolean, state: string): string {
  return written(secureCookies, state, { value: '', seconds: 0 });
}

/** The secret that a browser has for a way. */
export function flowSecretOf(secureCookies: boolean, state: string, cookieHeader: string | undefined) {
  const start = `${nameOf(secureCookies, state)}=`;
  const pair = cookieHeader?.split(';').find((part) => part.trim().startsWith(start));
  const secret = pair?.trim().slice(start.length) ?? '';
  return looksLikeSecret(secret, prefix) ? secret : undefined;
}

/**
 * What the provider is shown first as a hash, and then itself (RFC 7636), and what it has to repeat (OpenID Connect). Made from the
 * browser's secret, so that no copy of the database has what ends somebody's way.
 */
export function proofsOf(secret: string): { verifier: string; nonce: string } {
  const derived = (purpose: string) => Buffer.from(deriveKey(secret, purpose)).toString('base64url');
  return { verifier: derived('flowplane pkce verifier'), nonce: derived('flowplane nonce') };
}
