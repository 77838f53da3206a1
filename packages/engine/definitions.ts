import { createHash } from 'node:crypto';
import type { Definition } from '@flowplane/contract/definition';
import type { Database, Db } from '@flowplane/db/database';
import { sql } from 'kysely';

/** How long a definition is kept after it was last asked for: an execution that is to name it is stored long before. */
const graceMinutes = 60;
/** A definition that is asked for again and again is not written each time. */
const freshMinutes = 1;

/**
 * Has definitions kept for the executions that are about to name them. Whoever deletes unused ones sees it as soon as it is
 * committed, and until then waits for nobody but passes them by.
 */
export async function touchDefinitions(db: Db, teamId: string, hashes: string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql`
    update definitions set kept_at = clock_timestamp()
    where (team_id, hash) in (
      select team_id, hash from definitions
      where team_id = ${teamId} and hash = any(${hashes}) and kept_at < now() - make_interval(mins => ${freshMinutes})
      order by hash for update)`.execute(db);
}

/** Keeps a definition under its content's hash, for versions and executions to name. @returns the hash. */
export async function keepDefinition(db: Db, teamId: string, definition: Definition): Promise<string> {
  const body = JSON.stringify(definition);
  const hash = createHash('sha256').update(body).digest('hex');
  // In this order: one that is about to be deleted is waited for, and then inserted anew.
  await touchDefinitions(db, teamId, [hash]);
  await db
    .insertInto('definitions')
    .values({ team_id: teamId, hash, body })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return hash;
}

// One that somebody is about to use is locked, or was touched since it was found, which is looked at again once the lock is had.
const prune = `
  with looked as materialized (
    select team_id, hash from definitions
    where (team_id, hash) > ($1::uuid, $2)
    order by team_id, hash limit $3
  ), unused as materialized (
    select d.team_id, d.hash from looked l join definitions d on d.team_id = l.team_id and d.hash = l.hash
    where d.kept_at < now() - interval '${graceMinutes} minutes'
      and not exists (select from workflow_versions v where v.team_id = d.team_id and v.definition_hash = d.hash)
      and not exists (
        select from executions x where x.version is null and x.team_id = d.team_id and x.definition_hash = d.hash)
    for update of d skip locked
  ), gone as (
    delete from definitions d using unused u where d.team_id = u.team_id and d.hash = u.hash returning 1
  )
  select team_id, hash, (select count(*)::int from gone) as gone, (select count(*)::int from looked) as looked
  from looked order by team_id desc, hash desc limit 1`;

/** Where a look at the definitions goes on. */
export type DefinitionPlace = { teamId: string; hash: string };

const first: DefinitionPlace = { teamId: '00000000-0000-0000-0000-000000000000', hash: '' };

/**
 * Deletes those of the next `most` definitions that no version and no execution names: of drafts and tests whose executions are
 * gone. Any number of processes may do it at once.
 *
 * @param database its connections should prefer indexes (`openDatabase`'s `pointQueries`).
 * @param look.after where the look before ended; undefined to begin. @returns how many it deleted, and where to go on, if anywhere.
 */
export async function pruneDefinitions(
  database: Database,
  { after = first, most }: { after?: DefinitionPlace | undefined; most: number },
): Promise<{ deleted: number; after: DefinitionPlace | undefined }> {
  const { rows } = await database.pool.query<{ team_id: string; hash: string; gone: number; looked: number }>({
    name: 'prune-definitions',
    text: prune,
    values: [after.teamId, after.hash, most],
  });
  const [row] = rows;
  if (!row) return { deleted: 0, after: undefined };
  return { deleted: row.gone, after: row.looked < most ? undefined : { teamId: row.team_id, hash: row.hash } };
}
