import type { Database } from '@flowplane/db/database';
import { LRUCache } from 'lru-cache';
import { apiKeyTrustMs, type KnownApiKey } from './api-key-principal.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { deriveKey } from './seal.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { loadSigningKey, type SigningKey } from './signing-key.ts';
import type { VerifiedToken } from './tokens.ts';

/** What the functions of this folder need. Built once per process. */
export type Auth = {
  database: Database;
  /** The `iss` of access tokens. */
  issuer: string;
  secureCookies: boolean;
  allowedOrigins: ReadonlySet<string>;
  signingKey: SigningKey;
  /** Seals the answers that are kept for repeated requests. */
  idempotencySeal: Uint8Array;
  passwords: Passwords;
  sessions: Sessions;
  /** By the token itself. */
  verifiedTokens: LRUCache<string, VerifiedToken>;
  /** By the key's SHA-256. */
  apiKeyPrincipals: LRUCache<string, KnownApiKey>;
};

export type AuthOptions = {
  database: Database;
  /** The instance's master key, at least 32 characters. */
  secretKey: string;
  /** Whether browsers reach us by https only. */
  secureCookies: boolean;
  /** The `iss` of access tokens: the instance's public address. */
  issuer: string;
  /** Origins beside our own whose pages may act for a signed-in browser, e.g. `https://app.example.com`. */
  allowedOrigins: readonly string[];
};

const remembered = 10_000;

/**
 * Prepares accounts, sessions, tokens and API keys on a migrated database. The key that signs access tokens is made at the
 * first start; processes that start at once share one.
 *
 * @throws Error for a `secretKey` that is too short, or not the one that this database was first started with.
 */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  const { database, secretKey, secureCookies, issuer, allowedOrigins } = options;
  if (secretKey.length < 32) throw new Error('SECRET_KEY must have at least 32 characters.');
  return {
    database,
    issuer,
    secureCookies,
    allowedOrigins: new Set(allowedOrigins),
    signingKey: await loadSigningKey(database.db, secretKey),
    idempotencySeal: deriveKey(secretKey, 'idempotency'),
    passwords: await createPasswords(),
    sessions: createSessions(database.db, { secureCookies }),
    verifiedTokens: new LRUCache({ max: remembered }),
    apiKeyPrincipals: new LRUCache({ max: remembered, ttl: apiKeyTrustMs }),
  };
}
