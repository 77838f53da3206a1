import { sql } from 'kysely';
import { sealFor, unsealFor } from './sealing.ts';
import type { Vault } from './vault.ts';

const batch = 100;

type Rotated = { rotated: number; unreadable: string[] };

async function rotateBatch({ database, keys, onError }: Vault, after: string) {
  return database.db.transaction().execute(async (tx) => {
    const rows = await tx
      .selectFrom('credentials')
      .select(['id', 'team_id', 'kind', 'key_id', 'sealed'])
      .where('key_id', '<>', keys.currentId)
      .where('id', '>', after)
      .orderBy('id')
      .limit(batch)
      .forUpdate()
      .skipLocked()
      .execute();
    const resealed: { id: string; sealed: string }[] = [];
    for (const { id, team_id: teamId, kind, key_id, sealed } of rows) {
      const owner = { teamId, id, kind };
      try {
        const text = unsealFor(keys, owner, { key_id: key_id ?? '', sealed: sealed ?? '' });
        resealed.push({ id, sealed: sealFor(keys, owner, text).sealed });
      } catch (error) {
        const why = error instanceof Error ? error.message : 'unknown reason';
        onError(new Error(`The credential ${id} cannot be re-encrypted: ${why}.`), 'key rotation');
      }
    }
    const ids = sql<string>`unnest(${resealed.map(({ id }) => id)}::uuid[])`;
    const texts = sql<string>`unnest(${resealed.map(({ sealed }) => sealed)}::text[])`;
    await sql`
      update credentials set sealed = new.sealed, key_id = ${keys.currentId}
      from (select ${ids} as id, ${texts} as sealed) as new where credentials.id = new.id`.execute(tx);
    const done = new Set(resealed.map(({ id }) => id));
    return {
      last: rows.at(-1)?.id,
      rotated: done.size,
      unreadable: rows.flatMap(({ id }) => (done.has(id) ? [] : id)),
    };
  });
}

/**
 * Re-encrypts with the current key what another one sealed, a hundred rows a transaction. May be stopped and started at any
 * time and run in several processes at once: rows that somebody else is changing are left to them, or to the next time.
 *
 * @returns how many rows it re-encrypted, and the ids of those that none of the keys opens; they stay as they are.
 */
export async function rotateKeys(vault: Vault): Promise<Rotated> {
  const all: Rotated = { rotated: 0, unreadable: [] };
  for (let after: string | undefined = '00000000-0000-0000-0000-000000000000'; after !== undefined; ) {
    const { last, rotated, unreadable } = await rotateBatch(vault, after);
    all.rotated += rotated;
    all.unreadable.push(...unreadable);
    after = last;
  }
  return all;
}
