import type { Definition } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import { keptNodes, type PastStep } from './kept-steps.ts';

/** What a restarted execution shows as its trigger. */
export const restartTrigger = 'restart';

/** One execution to restart. */
export type Restart = {
  /** The final execution whose results are kept. */
  sourceId: string;
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  /** Absent: the same input again. */
  input?: Json | undefined;
  /** `start` keeps nothing, `unfinished` every result that still holds, a node's id those that do not come after it. */
  from: 'start' | 'unfinished' | { nodeId: string };
};

type PastRow = { execution_id: string; node_id: string; type: string; status: PastStep['status']; port: string | null };

/** The steps of the executions' own graphs, without those of their loops' items. */
async function pastSteps(db: Db, executionIds: string[]): Promise<Map<string, PastStep[]>> {
  const { rows } = await sql<PastRow>`
    select execution_id, node_id, type, status, port from steps
    where execution_id = any(${executionIds}) and path = node_id`.execute(db);
  const past = new Map<string, PastStep[]>();
  for (const { execution_id, node_id, type, status, port } of rows) {
    const steps = past.get(execution_id) ?? [];
    steps.push({ nodeId: node_id, type, status, port });
    past.set(execution_id, steps);
  }
  return past;
}

type Graph = Pick<Definition, 'nodes' | 'edges'>;

async function graphsOf(db: Db, teamId: string, hashes: string[]): Promise<Map<string, Graph>> {
  const rows = await db
    .selectFrom('definitions')
    .select(['hash', 'body'])
    .where('team_id', '=', teamId)
    .where('hash', 'in', hashes)
    .execute();
  return new Map(rows.map(({ hash, body }) => [hash, body]));
}

type Row = { id: string; restart: Restart; kept: string[] };

function rowText({ id, restart }: Row): string {
  const { sourceId, teamId, workflowId, version, definitionHash, input } = restart;
  const columns = JSON.stringify({
    id,
    source_id: sourceId,
    team_id: teamId,
    workflow_id: workflowId,
    version,
    definition_hash: definitionHash,
    has_input: input !== undefined,
  });
  return `${columns.slice(0, -1)},"input":${input === undefined ? 'null' : JSON.stringify(input)}}`;
}

/**
 * The kept steps have the first numbers among the new execution's events. It is due at once, or waits like its source did for its
 * turn, see `admit.ts`.
 */
async function insert(db: Db, rows: Row[]): Promise<string[]> {
  const kept = rows.flatMap(({ id, restart, kept: nodes }) =>
    nodes.map((nodeId) => ({ id, source_id: restart.sourceId, node_id: nodeId })),
  );
  const inserted = await sql<{ id: string }>`
    insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, request, priority,
      queue_rank, concurrency_key, concurrency_limit, concurrency_policy, due_at, restarted_from)
    select d.id, d.team_id, d.workflow_id, d.version, d.definition_hash, 'pending', ${restartTrigger},
      case when d.has_input then d.input else x.input end, x.request, x.priority,
      case when x.concurrency_key is null then x.priority end, x.concurrency_key, x.concurrency_limit, x.concurrency_policy,
      case when x.concurrency_key is null then now() else 'infinity' end, x.id
    from json_to_recordset(${`[${rows.map(rowText).join(',')}]`}) as d(id uuid, source_id uuid, team_id uuid, workflow_id uuid,
      version int, definition_hash text, has_input boolean, input json)
    join executions x on x.id = d.source_id and x.team_id = d.team_id and x.due_at is null
    order by d.id
    returning id`.execute(db);
  await sql`
    with copied as (
      insert into steps (execution_id, path, position, node_id, type, status, attempt, port, input, output, error, started_at,
        finished_at, sequence)
      select k.id, s.path, row_number() over (partition by k.id order by s.position) - 1, s.node_id, s.type, s.status, s.attempt,
        s.port, s.input, s.output, s.error, s.started_at, s.finished_at,
        1 + row_number() over (partition by k.id order by s.sequence, s.position)
      from json_to_recordset(${JSON.stringify(kept)}) as k(id uuid, source_id uuid, node_id text)
      join executions x on x.id = k.id
      join steps s on s.execution_id = k.source_id and substring(s.path from '^[^.[]+') = k.node_id
      returning execution_id, sequence
    )
    update executions x set events = c.last
    from (select execution_id, max(sequence) as last from copied group by execution_id) c where x.id = c.execution_id`.execute(
    db,
  );
  const made = new Set(inserted.rows.map(({ id }) => id));
  return rows.flatMap(({ id }) => (made.has(id) ? [id] : []));
}

/**
 * Makes new executions that keep results of executions that are over. They are of one team, and are nobody's children: who
 * waited for the old ones has gone on. They run once somebody looks: nudge the engine after the commit.
 *
 * @returns their ids, in the order of `restarts`; one whose source is gone or not final makes none.
 */
export async function restartExecutions(db: Db, restarts: Restart[]): Promise<string[]> {
  const [first] = restarts;
  if (!first) return [];
  const keeping = restarts.filter(({ from }) => from !== 'start');
  const past = await pastSteps(
    db,
    keeping.map(({ sourceId }) => sourceId),
  );
  const hashes = [...new Set(keeping.map(({ definitionHash }) => definitionHash))];
  const graphs = hashes.length === 0 ? new Map<string, Graph>() : await graphsOf(db, first.teamId, hashes);
  const rows = restarts.map((restart) => {
    const graph = graphs.get(restart.definitionHash);
    const nodeId = typeof restart.from === 'object' ? restart.from.nodeId : undefined;
    const kept = graph && restart.from !== 'start' ? keptNodes(graph, past.get(restart.sourceId) ?? [], nodeId) : [];
    return { id: newId(), restart, kept: [...kept] };
  });
  return insert(db, rows);
}
