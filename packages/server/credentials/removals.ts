import { sql } from 'kysely';
import type { Vault } from './vault.ts';

const batch = 20;

async function removeOne({ database, secretsManager }: Vault): Promise<boolean> {
  return database.db.transaction().execute(async (tx) => {
    const due = await tx
      .selectFrom('secret_removals')
      .select('reference')
      .where('due_at', '<=', sql<Date>`now()`)
      .orderBy('due_at')
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (!due) return false;
    await secretsManager.remove(due.reference);
    await tx.deleteFrom('secret_removals').where('reference', '=', due.reference).execute();
    return true;
  });
}

/**
 * Removes from AWS Secrets Manager what no row refers to any more: after a delete or a change, and after creating one failed.
 * Safe in several processes at once.
 *
 * @returns how many are gone; a few at a time, the rest the next time.
 * @throws SecretsManagerError when AWS is away; what is due stays due.
 */
export async function removeSecrets(vault: Vault): Promise<number> {
  let removed = 0;
  while (removed < batch && (await removeOne(vault))) removed += 1;
  return removed;
}
