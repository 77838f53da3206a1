import type { Credential, credentialReplaceInput, credentialUpdateInput } from '@flowplane/contract/credential';
import { Refusal } from '@flowplane/contract/errors';
import { coversHost } from '@flowplane/contract/host-pattern';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import { checkCredential, valuesOf } from './check.ts';
import { credentialOf, fieldsOf, getCredential, type Scope } from './credentials.ts';
import { lockCredential } from './lock.ts';
import { adopt, keepValues, storedValues } from './stored-values.ts';

type Change = z.output<typeof credentialUpdateInput>;

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((item) => others.includes(item));
}

/** Whoever does not know a secret must not be able to have it sent to a host of theirs. */
function checkNoneAdded(before: readonly string[], after: readonly string[]): void {
  const added = after.filter((host) => !coversHost(before, host));
  if (added.length === 0) return;
  const message = `must be given again when hosts are added (${added.join(', ')})`;
  throw new Refusal('invalid_input', `values: ${message}`, [{ path: 'values', message }]);
}

/** New values are kept before the row is locked: nobody waits for AWS while holding a lock. */
async function keepNew({ db, teamId, vault }: Scope, { id, values, allowedHosts }: Change) {
  if (!values) return undefined;
  const before = await getCredential({ db, teamId }, id);
  const checked = valuesOf(before.kind, values);
  checkCredential(vault.rules, {
    kind: before.kind,
    values: checked,
    allowedHosts: allowedHosts ?? before.allowedHosts,
  });
  return { values: checked, stored: await keepValues(vault, { teamId, id, kind: before.kind }, checked) };
}

/**
 * Changes what is given and raises the revision; a change that changes nothing does not. Values are replaced as a whole, and
 * always count as a change: nobody can find out by trying what they are. Hosts are only added together with the values.
 *
 * @throws Refusal `not_found`, `invalid_input`, `precondition_failed`, `unavailable`, and `credential_unreadable` when the hosts
 *   of a credential that cannot be read are changed without giving new values.
 */
export async function updateCredential(scope: Scope, input: Change): Promise<Credential> {
  const { db, teamId, vault } = scope;
  const made = await keepNew(scope, input);
  return inTransaction(db, async (tx) => {
    const row = await lockCredential(tx, teamId, input);
    const name = input.name ?? row.name;
    const allowedHosts = input.allowedHosts ?? row.allowed_hosts;
    const hostsStay = isSame(allowedHosts, row.allowed_hosts);
    if (!made && name === row.name && hostsStay) return credentialOf(row);
    if (!made) checkNoneAdded(row.allowed_hosts, allowedHosts);
    if (made || !hostsStay) {
      const values = made?.values ?? (await storedValues(vault, row));
      checkCredential(vault.rules, { kind: row.kind, values, allowedHosts });
    }
    const updated = await tx
      .updateTable('credentials')
      .set({
        name,
        allowed_hosts: allowedHosts,
        ...(made ? { fields: fieldsOf(made.values), ...made.stored } : {}),
        revision: row.revision + 1,
        updated_at: sql<Date>`now()`,
      })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (made) await adopt(tx, made.stored);
    return credentialOf(updated);
  });
}

/**
 * Replaces everything that is the caller's to set, but for values that are absent: nobody has them to send back. What is only
 * for reading may come along, and is not looked at.
 *
 * @throws Refusal like {@link updateCredential}, and `invalid_input` for another kind.
 */
export async function replaceCredential(
  scope: Scope,
  input: z.output<typeof credentialReplaceInput>,
): Promise<Credential> {
  const { id, name, values, allowedHosts, revision, kind } = input;
  if (kind !== undefined && kind !== (await getCredential(scope, id)).kind) {
    const message = 'cannot be changed: make another credential';
    throw new Refusal('invalid_input', `kind: ${message}`, [{ path: 'kind', message }]);
  }
  return updateCredential(scope, { id, name, values, allowedHosts, revision });
}
