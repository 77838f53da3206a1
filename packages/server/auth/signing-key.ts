import type { Db } from '@flowplane/db/database';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { sql } from 'kysely';
import { z } from 'zod';
import { deriveKey, seal, unseal } from './seal.ts';

/** The RSA key pair that signs and verifies access tokens, and its id (the JWK thumbprint, RFC 7638). */
export type SigningKey = { kid: string; privateKey: CryptoKey; publicKey: CryptoKey };

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

type Stored = { kid: string; sealed_private_jwk: string };

async function makeKey(db: Db, sealingKey: Uint8Array): Promise<Stored> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const sealed = seal(sealingKey, JSON.stringify(await exportJWK(privateKey)), kid);
  const row = { kid, public_jwk: JSON.stringify(publicJwk), sealed_private_jwk: sealed };
  await db.insertInto('signing_keys').values(row).execute();
  return row;
}

async function storedOrMade(tx: Db, sealingKey: Uint8Array): Promise<Stored> {
  // Processes that start at once take turns here, so the later ones find the key of the first.
  await sql`select pg_advisory_xact_lock(hashtextextended('flowplane signing key', 0))`.execute(tx);
  const newest = tx.selectFrom('signing_keys').select(['kid', 'sealed_private_jwk']).orderBy('created_at', 'desc');
  return (await newest.limit(1).executeTakeFirst()) ?? (await makeKey(tx, sealingKey));
}

function open(sealingKey: Uint8Array, stored: Stored): string {
  try {
    return unseal(sealingKey, stored.sealed_private_jwk, stored.kid);
  } catch (cause) {
    const what = `SECRET_KEY does not open this database's signing key ${stored.kid}.`;
    throw new Error(`${what} Start with the SECRET_KEY that this database was first started with.`, { cause });
  }
}

/**
 * The instance's signing key, made at the first start. Processes that start at once agree on one.
 *
 * @throws Error when `secretKey` is not the one that the key was sealed with.
 */
export async function loadSigningKey(db: Db, secretKey: string): Promise<SigningKey> {
  const sealingKey = deriveKey(secretKey, 'flowplane signing keys');
  const stored = await db.transaction().execute((tx) => storedOrMade(tx, sealingKey));
  const jwk = rsaJwk.parse(JSON.parse(open(sealingKey, stored)));
  // The public half comes from the sealed one: whoever can write to the table still cannot make us trust another key.
  const { kty, n, e } = jwk;
  const [privateKey, publicKey] = await Promise.all([importJWK(jwk, 'RS256'), importJWK({ kty, n, e }, 'RS256')]);
  return { kid: stored.kid, privateKey, publicKey };
}
