import type { Database } from '@flowplane/db/database';
import type { GuardedFetch } from '@flowplane/egress/guarded-fetch';
import { LRUCache } from 'lru-cache';
import { parseReferenceRules, type ReferenceRule } from './references.ts';
import { type SealingKeys, sealingKeys } from './sealing.ts';
import type { SecretsManager } from './secrets-manager.ts';

/** What the functions of this folder need besides the database of a request. Built once per process. */
export type Vault = {
  /**
   * Connections of its own: it is asked while requests hold one of theirs for a transaction, and who holds one and waits for a
   * second of the same pool may wait for ever.
   */
  database: Database;
  keys: SealingKeys;
  /** Where new values are kept. What is kept elsewhere stays there and can be read. */
  keepsIn: 'database' | 'secretsManager';
  secretsManager: SecretsManager;
  /** What AWS Secrets Manager answered lately, by reference: a new value always has a new reference. */
  lately: LRUCache<string, string>;
  rules: readonly ReferenceRule[];
  environment: (name: string) => string | undefined;
  fetch: GuardedFetch;
  /** Told of what an operator should know; never with values. */
  onError: (error: unknown, where: string) => void;
};

export type VaultOptions = Omit<Vault, 'keys' | 'lately' | 'rules'> & {
  /** The instance's master key. */
  secretKey: string;
  /** Another master key that rows may be sealed with, while the key is being changed. */
  previousSecretKey: string | undefined;
  /** What values may name instead: `env:NAME@host`, `aws-sm:<ARN>@host`. */
  references: readonly string[];
};

const trustMs = 60_000;

/** @throws TypeError when `references` cannot be understood. */
export function createVault({ secretKey, previousSecretKey, references, ...rest }: VaultOptions): Vault {
  return {
    ...rest,
    keys: sealingKeys(secretKey, previousSecretKey),
    lately: new LRUCache({ max: 1_000, ttl: trustMs }),
    rules: parseReferenceRules(references),
  };
}
