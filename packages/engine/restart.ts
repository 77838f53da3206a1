import type { Definition } from '@flowplane/contract/definition';
import { Refusal } from '@flowplane/contract/errors';
import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { sql } from 'kysely';
import { touchDefinitions } from './definitions.ts';
import { endWithin } from './end.ts';
import { type Graphs, usableGraph } from './graph/graphs.ts';
import { keptNodes, type PastStep } from './kept-steps.ts';
import type { Backlog } from './queue/backlog.ts';
import { type LimitedPlace, placeFor } from './queue/concurrency.ts';
import type { MayStart } from './start.ts';

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

type Nodes = Pick<Definition, 'nodes' | 'edges'>;

async function nodesOf(db: Db, teamId: string, hashes: string[]): Promise<Map<string, Nodes>> {
  const rows = await db
    .selectFrom('definitions')
    .select(['hash', 'body'])
    .where('team_id', '=', teamId)
    .where('hash', 'in', hashes)
    .execute();
  return new Map(rows.map(({ hash, body }) => [hash, body]));
}

/** What a restart is held to, as a start is. */
export type RestartBounds = { graphs: Graphs; sandbox: Sandbox; backlog: Backlog; mayStart?: MayStart | undefined };

/** Those for which there is room. @throws Refusal `queue_full` when there is room for none. */
async function thatFit({ backlog, mayStart }: RestartBounds, restarts: Restart[]): Promise<Restart[]> {
  for (const [index, { teamId }] of restarts.entries()) {
    try {
      await backlog.add(teamId);
      await mayStart?.(teamId);
    } catch (error) {
      if (index > 0 && error instanceof Refusal) return restarts.slice(0, index);
      throw error;
    }
  }
  return restarts;
}

async function inputOf(db: Db, { sourceId, teamId, input }: Restart): Promise<Json> {
  if (input !== undefined) return input;
  const row = await db
    .selectFrom('executions')
    .select('input')
    .where('id', '=', sourceId)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  return row?.input ?? null;
}

type Place = { place: LimitedPlace | undefined; failure: Failure | undefined };

/** Where a restart waits for its turn: as the version says that it runs, which need not be the one of the old execution. */
async function placeOf(
  { graphs, sandbox }: RestartBounds,
  db: Db,
  { id, restart }: { id: string; restart: Restart },
): Promise<Place> {
  const concurrency = (await usableGraph(graphs, restart))?.concurrency;
  if (!concurrency) return { place: undefined, failure: undefined };
  const input = concurrency.key ? await inputOf(db, restart) : null;
  return placeFor(concurrency, { id, input }, sandbox);
}

type Row = Place & { id: string; restart: Restart; kept: string[] };

function rowText({ id, restart, place }: Row): string {
  const { sourceId, teamId, workflowId, version, definitionHash, input } = restart;
  const columns = JSON.stringify({
    id,
    source_id: sourceId,
    team_id: teamId,
    workflow_id: workflowId,
    version,
    definition_hash: definitionHash,
    has_input: input !== undefined,
    concurrency_key: place?.key,
    concurrency_limit: place?.limit,
    concurrency_policy: place?.policy,
  });
  return `${columns.slice(0, -1)},"input":${input === undefined ? 'null' : JSON.stringify(input)}}`;
}

/** The kept steps have the first numbers among the new execution's events. */
async function insert(db: Db, rows: Row[]): Promise<string[]> {
  const kept = rows.flatMap(({ id, restart, kept: nodes }) =>
    nodes.map((nodeId) => ({ id, source_id: restart.sourceId, node_id: nodeId })),
  );
  const inserted = await sql<{ id: string }>`
    insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, request, priority,
      queue_rank, concurrency_key, concurrency_limit, concurrency_policy, due_at, restarted_from)
    select d.id, d.team_id, d.workflow_id, d.version, d.definition_hash, 'pending', ${restartTrigger},
      case when d.has_input then d.input else x.input end, x.request, x.priority,
      case when d.concurrency_key is null then x.priority end, d.concurrency_key, d.concurrency_limit, d.concurrency_policy,
      case when d.concurrency_key is null then now() else 'infinity' end, x.id
    from json_to_recordset(${`[${rows.map(rowText).join(',')}]`}) as d(id uuid, source_id uuid, team_id uuid, workflow_id uuid,
      version int, definition_hash text, has_input boolean, input json, concurrency_key text, concurrency_limit int,
      concurrency_policy text)
    join executions x on x.id = d.source_id and x.team_id = d.team_id and x.due_at is null
    order by d.id
    returning id`.execute(db);
  await sql`
    with copied as (
      insert into steps (execution_id, path, position, node_id, type, status, attempt, port, input, output, error, progress,
        started_at, finished_at, sequence)
      select k.id, s.path, row_number() over (partition by k.id order by s.position) - 1, s.node_id, s.type, s.status, s.attempt,
        s.port, s.input, s.output, s.error, s.progress, s.started_at, s.finished_at,
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

/** Which results each keeps. */
async function keptOf(db: Db, restarts: Restart[]): Promise<Map<Restart, string[]>> {
  const keeping = restarts.filter(({ from }) => from !== 'start');
  const [first] = keeping;
  if (!first) return new Map();
  const past = await pastSteps(
    db,
    keeping.map(({ sourceId }) => sourceId),
  );
  const nodes = await nodesOf(db, first.teamId, [...new Set(keeping.map(({ definitionHash }) => definitionHash))]);
  return new Map(
    keeping.map((restart) => {
      const graph = nodes.get(restart.definitionHash);
      const nodeId = typeof restart.from === 'object' ? restart.from.nodeId : undefined;
      const kept = graph ? keptNodes(graph, past.get(restart.sourceId) ?? [], nodeId) : [];
      return [restart, [...kept]] as const;
    }),
  );
}

/**
 * Makes new executions that keep results of executions that are over. They are of one team, and are nobody's children: who
 * waited for the old ones has gone on. They wait to be run and for their turn as new ones do.
 *
 * @returns the ids of those for which there was room, in the order of `restarts`; one whose source is gone or not final makes none.
 * @throws Refusal `queue_full` when there was room for none.
 */
export async function restartExecutions(bounds: RestartBounds, db: Db, restarts: Restart[]): Promise<string[]> {
  const [first] = restarts;
  if (!first) return [];
  const fitting = await thatFit(bounds, restarts);
  // Those of versions are kept with them; the others only for as long as an execution names them, as the old one may no more.
  const unpublished = fitting.flatMap(({ version, definitionHash }) => (version === null ? definitionHash : []));
  await touchDefinitions(db, first.teamId, unpublished);
  const kept = await keptOf(db, fitting);
  const rows: Row[] = [];
  for (const restart of fitting) {
    const id = newId();
    rows.push({ id, restart, kept: kept.get(restart) ?? [], ...(await placeOf(bounds, db, { id, restart })) });
  }
  const made = await insert(db, rows);
  for (const { id, restart, failure } of rows) {
    if (failure) await endWithin(db, { ids: [id], teamId: restart.teamId }, { status: 'failed', error: failure });
  }
  return made;
}
