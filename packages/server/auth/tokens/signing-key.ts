import type { Db } from '@flowplane/db/database';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { seal, unseal } from '../seal.ts';

/** An RSA key pair that signs and verifies access tokens, and its id (the JWK thumbprint, RFC 7638). */
export type SigningKey = {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  publicJwk: { kty: 'RSA'; n: string; e: string };
};

const rsaJwk = z.object({
  kty: z.literal('RSA'),
  n: z.string(),
  e: z.string(),
  d: z.string(),
  p: z.string(),
  q: z.string(),
  dp: z.string(),
  dq: z.string(),
  qi: z.string(),
});

/** Makes a key that signs from a time on, and stores it sealed. @returns its id. */
export async function makeSigningKey(db: Db, sealingKey: Uint8Array, signsFrom: RawBuilder<Date>): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const sealed = seal(sealingKey, JSON.stringify(await exportJWK(privateKey)), kid);
  const row = { kid, public_jwk: JSON.stringify(publicJwk), sealed_private_jwk: sealed, signs_from: signsFrom };
  await db
    .insertInto('signing_keys')
    .values({ ...row, created_at: sql<Date>`clock_timestamp()` })
    .execute();
  return kid;
}

function open(sealingKey: Uint8Array, kid: string, sealed: string): string {
  try {
    return unseal(sealingKey, sealed, kid);
  } catch (cause) {
    const what = `SECRET_KEY does not open this database's signing key ${kid}.`;
    throw new Error(`${what} Start with the SECRET_KEY that this database was first started with.`, { cause });
  }
}

/**
 * Opens a stored key.
 *
 * @throws Error when the sealing key is not the one that it was sealed with.
 */
export async function openSigningKey(sealingKey: Uint8Array, kid: string, sealed: string): Promise<SigningKey> {
  const jwk = rsaJwk.parse(JSON.parse(open(sealingKey, kid, sealed)));
  // The public half comes from the sealed one: whoever can write to the table still cannot make us trust another key.
  const { kty, n, e } = jwk;
  const [privateKey, publicKey] = await Promise.all([importJWK(jwk, 'RS256'), importJWK({ kty, n, e }, 'RS256')]);
  return { kid, privateKey, publicKey, publicJwk: { kty, n, e } };
}
