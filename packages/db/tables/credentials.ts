import type { CredentialKindName } from '@flowplane/contract/credential-kinds';
import type { Generated } from 'kysely';

/** Values are in `sealed` or, in AWS Secrets Manager, under the name in `reference`: in exactly one of the two. */
export type CredentialsTable = {
  id: string;
  team_id: string;
  name: string;
  kind: CredentialKindName;
  allowed_hosts: string[];
  /** The names of the values. */
  fields: string[];
  /** Which key opens `sealed`. */
  key_id: string | null;
  sealed: string | null;
  reference: string | null;
  revision: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  last_used_at: Date | null;
};

/**
 * Secrets in AWS Secrets Manager that are to be removed when due: those that rows no longer refer to, put here by a trigger, and
 * those that are being made, until the row that refers to them is committed.
 */
export type SecretRemovalsTable = { reference: string; due_at: Date };
