import type { Database } from '@flowplane/db/database';
import { LRUCache } from 'lru-cache';
import { type ApprovalLinks, createApprovalLinks } from '../approvals/link.ts';
import { createRefusals, type Refusals } from '../audit/refusals.ts';
import type { Principal } from '../context.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { Membership } from './chosen-team.ts';
import { createIdentities, type Identities, type IdentitiesOptions } from './identities/identities.ts';
import { type LookedUp, trustMs } from './lookup.ts';
import { createPasswords, type Passwords } from './passwords/passwords.ts';
import { createThrottle, type LimiterStore, type Throttle } from './passwords/throttle.ts';
import { deriveKey } from './seal.ts';
import { createSessions, type Sessions } from './sessions/sessions.ts';
import { type KeyRing, openKeyRing } from './tokens/key-ring.ts';
import type { VerifiedToken } from './tokens/tokens.ts';

/** What the functions of this folder need. Built once per process. */
export type Auth = {
  database: Database;
  /** The `iss` of access tokens. */
  issuer: string;
  secureCookies: boolean;
  allowedOrigins: ReadonlySet<string>;
  /** What signs and verifies access tokens. */
  keys: KeyRing;
  /** Seals the answers that are kept for repeated requests. */
  idempotencySeal: Uint8Array;
  /** Makes the addresses on which approvals are decided without an account. */
  approvalLinks: ApprovalLinks;
  /** Who else vouches for people. */
  identities: Identities;
  passwords: Passwords;
  throttle: Throttle;
  mailer: Mailer;
  /** Counts what the audit log has of each caller who is refused. */
  refusals: Refusals;
  /** Days that a guest stays; undefined where guests are not let in. */
  guestDays: number | undefined;
  sessions: Sessions;
  /** By the token itself. */
  verifiedTokens: LRUCache<string, VerifiedToken>;
  /** Those who hold access tokens, by the session's id. */
  sessionPrincipals: LRUCache<string, LookedUp<Principal>>;
  /** By the key's SHA-256. */
  apiKeyPrincipals: LRUCache<string, LookedUp<Principal>>;
  /** By user and team, for those who choose a team. */
  memberships: LRUCache<string, LookedUp<Membership>>;
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
  mailer: Mailer;
  /** Days that a guest stays; guests are not let in when absent. */
  guestDays?: number | undefined;
  /** Who else vouches for people; nobody when absent. */
  identities?: IdentitiesOptions | undefined;
  /** Where attempts are counted; each process by itself when absent. */
  limiterStore?: LimiterStore;
};

const remembered = 10_000;

/**
 * Prepares accounts, sessions, tokens and API keys on a migrated database. The key that signs access tokens is made at the
 * first start; processes that start at once share one.
 *
 * @throws Error for a `secretKey` that is too short, or not the one that this database was first started with.
 */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  const { database, secretKey, secureCookies, issuer, allowedOrigins, mailer } = options;
  if (secretKey.length < 32) throw new Error('SECRET_KEY must have at least 32 characters.');
  const verifiedTokens = new LRUCache<string, VerifiedToken>({ max: remembered });
  return {
    database,
    issuer,
    secureCookies,
    allowedOrigins: new Set(allowedOrigins),
    keys: await openKeyRing(database.db, secretKey, () => verifiedTokens.clear()),
    idempotencySeal: deriveKey(secretKey, 'idempotency'),
    approvalLinks: createApprovalLinks(secretKey, issuer),
    identities: createIdentities(options.identities),
    passwords: await createPasswords(),
    throttle: createThrottle(options.limiterStore),
    mailer,
    guestDays: options.guestDays,
    refusals: createRefusals(),
    sessions: createSessions(database.db, { secureCookies }),
    verifiedTokens,
    sessionPrincipals: new LRUCache({ max: remembered, ttl: trustMs }),
    apiKeyPrincipals: new LRUCache({ max: remembered, ttl: trustMs }),
    memberships: new LRUCache({ max: remembered, ttl: trustMs }),
  };
}
