import { Refusal } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import type { Db } from '@flowplane/db/database';
import type { Pin } from '@flowplane/engine/graph/partial';
import { sql } from 'kysely';

/** Executions that are looked through, the latest first. */
const executions = 50;
/** Bytes of JSON that the results may have together. */
const mostBytes = 4 * limits.valueBytes;

type Row = { node_id: string; status: string; output: Json; port: string | null; bytes: string };

/**
 * What nodes of a workflow came to in the latest of its executions in which they ran, or were passed by. Nodes in the bodies of
 * loops have as many results as items, and so none.
 *
 * @throws Refusal `payload_too_large` when the results are too large together.
 */
export async function latestResults(
  { db, teamId }: { db: Db; teamId: string },
  { id, nodes }: { id: string; nodes: string[] },
): Promise<{ results: Map<string, Pin>; skipped: Set<string> }> {
  if (nodes.length === 0) return { results: new Map(), skipped: new Set() };
  const { rows } = await sql<Row>`
    with latest as (
      select distinct on (s.path) s.node_id, s.status, s.output, s.port
      from (
        select id from executions where workflow_id = ${id} and team_id = ${teamId} order by id desc limit ${executions}
      ) x
      join steps s on s.execution_id = x.id and s.path = any(${nodes})
      where s.status in ('completed', 'skipped') or (s.status = 'failed' and s.port is not null)
      order by s.path, s.execution_id desc
    ), measured as (
      select *, sum(coalesce(octet_length(output::text), 0)) over () as bytes from latest
    )
    select node_id, status, case when bytes <= ${mostBytes} then output end as output, port, bytes from measured`.execute(
    db,
  );
  if (Number(rows[0]?.bytes ?? 0) > mostBytes) {
    throw new Refusal(
      'payload_too_large',
      `The latest results of the nodes before it have more than ${mostBytes} bytes together; pin smaller ones.`,
    );
  }
  const skipped = rows.filter(({ status }) => status === 'skipped').map((row) => row.node_id);
  const results = rows.flatMap(({ node_id, status, output, port }): [string, Pin][] =>
    status === 'skipped' ? [] : [[node_id, { output, ...(port !== null && { port }) }]],
  );
  return { results: new Map(results), skipped: new Set(skipped) };
}
