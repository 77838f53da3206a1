import type { Database } from '@flowplane/db/database';

/** What was to end with an execution that has ended, by team: whoever was to end it died before. */
export async function findOrphans(database: Database): Promise<Map<string, string[]>> {
  const { rows } = await database.pool.query<{ team_id: string; ids: string[] }>({
    name: 'find-orphans',
    text: `select team_id, array_agg(id) as ids from (
        select c.id, c.team_id from executions c join executions p on p.id = c.parent_id
        where c.on_parent_end = 'cancel' and c.due_at is not null and p.finished_at < now() - interval '1 second'
        limit 100) orphans
      group by team_id`,
  });
  return new Map(rows.map(({ team_id, ids }) => [team_id, ids]));
}
