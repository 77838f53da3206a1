/** Browsers have `randomUUID` on secure pages only, and Node 18 has no `crypto` of its own; a key is no secret, only unique. */
function newKey(): string {
  const words = globalThis.crypto
    ? crypto.getRandomValues(new Uint32Array(4))
    : new Uint32Array(4).map(() => Math.random() * 2 ** 32);
  return [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
}

/**
 * The `Idempotency-Key` of a call: the caller's own, or 128 random bits.
 *
 * @throws TypeError for a key that the API would refuse or that no header can carry.
 */
export function idempotencyKeyOf(own: string | undefined): string {
  if (own === undefined) return newKey();
  if (/^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(own)) return own;
  throw new TypeError('idempotencyKey must be 1 to 255 printable ASCII characters, without a space at either end.');
}
