import type { Database } from '@flowplane/db/database';

// A child's result is read from its row for as long as its parent may still wait for it. Steps, log lines and waits go by the
// statement itself: the cascade would look for them execution by execution.
const prune = `
  with doomed as materialized (
    select x.id from workflows w
    left join workflow_versions v on v.workflow_id = w.id and v.version = w.published_version
    left join definitions d on d.team_id = v.team_id and d.hash = v.definition_hash
    cross join lateral (
      select e.id from executions e
      where e.workflow_id = w.id
        and e.finished_at < now() - make_interval(days => nullif(coalesce(d.retention_days, $1), 0))
        and not exists (select from executions p where p.id = e.parent_id and p.finished_at is null)
      order by e.finished_at limit $2 for update of e skip locked) x
    limit $2
  ), steps_gone as (
    delete from steps where execution_id = any(array(select id from doomed))
  ), logs_gone as (
    delete from logs where execution_id = any(array(select id from doomed))
  ), waits_gone as (
    delete from waits where execution_id = any(array(select id from doomed))
  )
  delete from executions where id = any(array(select id from doomed))`;

/**
 * Deletes some finished executions that are older than they are kept, with all that belongs to them. A workflow whose published
 * version has `retention` keeps its executions that long. Nobody waits for it, and any number of processes may do it at once.
 *
 * @param database its connections should prefer indexes (`openDatabase`'s `pointQueries`).
 * @param kept.days that the executions of other workflows are kept after their end; 0 keeps them for good.
 * @param kept.most executions deleted at once.
 * @returns how many it deleted; fewer than `most` when that was all, or others are deleting the rest.
 */
export async function pruneExecutions(database: Database, kept: { days: number; most: number }): Promise<number> {
  const { rowCount } = await database.pool.query({
    name: 'prune-executions',
    text: prune,
    values: [kept.days, kept.most],
  });
  return rowCount ?? 0;
}
