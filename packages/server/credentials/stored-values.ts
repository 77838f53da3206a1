import { type CredentialKindName, kindOf } from '@flowplane/contract/credential-kinds';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import { z } from 'zod';
import { isReference, resolveReference } from './references.ts';
import { type Owner, sealFor, unsealFor } from './sealing.ts';
import { SecretsManagerError } from './secrets-manager.ts';
import type { Vault } from './vault.ts';

export type Values = Record<string, string | undefined>;

/** Where a row keeps its values. */
export type Stored = { key_id: string | null; sealed: string | null; reference: string | null };

/** A row, as far as its values are concerned. */
export type Kept = Stored & { id: string; team_id: string; kind: CredentialKindName };

const values = z.record(z.string(), z.string());
const kept = z.object({ teamId: z.string(), id: z.string(), kind: z.string(), values });

/** Longer than any call to AWS with its retries: until then a secret without a row may still get one. */
const graceMinutes = 10;

function away(vault: Vault, error: unknown): unknown {
  if (!(error instanceof SecretsManagerError)) return error;
  vault.onError(error, 'credentials');
  return new Refusal('unavailable', 'The store of secrets cannot be reached right now: try again in a moment.');
}

/**
 * Keeps values in a new place; the row is to refer to it and `adopt` to be called in the same transaction.
 *
 * A secret in AWS is written down as one to be removed before it is made, so that none is left over, whatever fails and
 * whoever is killed: only the commit of its row takes that back.
 *
 * @throws Refusal `unavailable`.
 */
export async function keepValues(vault: Vault, owner: Owner, secret: Values): Promise<Stored> {
  if (vault.keepsIn === 'database') {
    return { ...sealFor(vault.keys, owner, JSON.stringify(secret)), reference: null };
  }
  const reference = `flowplane/${owner.teamId}/${owner.id}/${newId()}`;
  const due = sql<Date>`now() + make_interval(mins => ${graceMinutes})`;
  await vault.database.db.insertInto('secret_removals').values({ reference, due_at: due }).execute();
  try {
    const { teamId, id, kind } = owner;
    await vault.secretsManager.create(reference, JSON.stringify({ teamId, id, kind, values: secret }));
  } catch (error) {
    throw away(vault, error);
  }
  return { key_id: null, sealed: null, reference };
}

/** Makes a kept secret the row's, with the transaction that changes the row. @throws Refusal `unavailable` when it took too long. */
export async function adopt(tx: Db, { reference }: Stored): Promise<void> {
  if (reference === null) return;
  const { numDeletedRows } = await tx
    .deleteFrom('secret_removals')
    .where('reference', '=', reference)
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 1n) return;
  throw new Refusal('unavailable', 'Keeping the values took too long: try again.');
}

function openSealed(vault: Vault, owner: Owner, { key_id, sealed }: Stored): Values {
  return values.parse(JSON.parse(unsealFor(vault.keys, owner, { key_id: key_id ?? '', sealed: sealed ?? '' })));
}

async function openReferred(vault: Vault, owner: Owner, reference: string): Promise<Values> {
  const text = vault.lately.get(reference) ?? (await vault.secretsManager.read(reference));
  const { values: own, ...whose } = kept.parse(JSON.parse(text));
  if (whose.teamId !== owner.teamId || whose.id !== owner.id || whose.kind !== owner.kind) {
    throw new Error('the secret belongs to another row');
  }
  vault.lately.set(reference, text);
  return own;
}

/** The operator's message for a row that does not open. Zod's would hold parts of what it found. */
function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'what is stored has no longer its form';
  return error instanceof Error ? error.message : 'unknown reason';
}

function isAway(error: unknown): boolean {
  return error instanceof SecretsManagerError && !error.isMissing;
}

/**
 * The values of a row as they were given: secrets that are kept elsewhere still by reference.
 *
 * @throws Refusal `credential_unreadable`, of which the operator is told why; `unavailable` when AWS is away.
 */
export async function storedValues(vault: Vault, row: Kept): Promise<Values> {
  const owner = { teamId: row.team_id, id: row.id, kind: row.kind };
  try {
    return row.reference === null ? openSealed(vault, owner, row) : await openReferred(vault, owner, row.reference);
  } catch (error) {
    if (isAway(error)) throw away(vault, error);
    vault.onError(new Error(`The credential ${row.id} cannot be read: ${reasonOf(error)}.`), 'credentials');
    const message = `The values of the credential ${row.id} cannot be read: replace them, or ask the operator.`;
    throw new Refusal('credential_unreadable', message);
  }
}

/**
 * The values of a row, ready to use.
 *
 * @param hosts where they are going to be sent.
 * @throws Refusal `credential_unreadable`, `unavailable`.
 */
export async function usableValues(vault: Vault, row: Kept, hosts: readonly string[]): Promise<Values> {
  const given = await storedValues(vault, row);
  const { secret, values: schema } = kindOf(row.kind);
  const named = secret.filter((field) => isReference(given[field] ?? ''));
  if (named.length === 0) return given;
  const found = { ...given };
  for (const field of named) {
    try {
      found[field] = await resolveReference(vault, given[field] ?? '', hosts);
    } catch (error) {
      if (isAway(error)) throw away(vault, error);
      if (error instanceof SecretsManagerError) {
        throw new Refusal('credential_unreadable', `There is no ${given[field]} in AWS: ask the operator.`);
      }
      throw error;
    }
  }
  const parsed = schema.safeParse(found);
  if (parsed.success) return parsed.data;
  throw new Refusal(
    'credential_unreadable',
    `What ${named.map((field) => given[field]).join(' and ')} stands for does not fit: a ${row.kind} credential's ${named.join(' and ')} ${parsed.error.issues[0]?.message ?? 'has another form'}.`,
  );
}
