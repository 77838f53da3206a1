import { hash, randomBytes } from 'node:crypto';

/** A new secret of 256 random bits: `prefix` and 43 characters of base64url. */
export function newSecret(prefix = ''): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

/** Whether a text has the form of `newSecret(prefix)`; what has not need not be looked up. */
export function looksLikeSecret(text: string, prefix = ''): boolean {
  return text.length === prefix.length + 43 && text.startsWith(prefix) && /^[\w-]+$/.test(text);
}

/**
 * SHA-256 of a text as 64 hex digits: how secrets are stored and found. No salt and no slow hash, because a secret has 256
 * random bits, and a lookup by it tells nothing by its time that helps to find one.
 */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
