import type { LogLevel } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { WorkflowLogEvent } from '@flowplane/contract/workflow';
import type { Database } from '@flowplane/db/database';
import type { Named, Page } from './follow.ts';
import { pageRows, withinBudget } from './page-budget.ts';

/** A line of a workflow's log, in the order in which lines are streamed: of transactions, and within one, of executions. */
export type LogPlace = { txid: string; executionId: string; position: number };

const start: LogPlace = { txid: '0', executionId: '00000000-0000-0000-0000-000000000000', position: -1 };

/** Past every transaction that is under way; what is not settled may yet have lines before it. */
const settled = 'txid < pg_snapshot_xmin(pg_current_snapshot())';
const order = 'txid, execution_id, position';

// After a restore into another cluster there are lines of transactions that are yet to come: they are not streamed.

const lines = withinBudget(
  `select txid, execution_id, position, path, level, message, data, at, ${settled} as settled
   from logs
   where workflow_id = w.id and (${order}) > ($3::xid8, $4::uuid, $5::integer) and txid < pg_snapshot_xmax(pg_current_snapshot())
   order by ${order} limit ${pageRows}`,
  { columns: ['data'], by: order },
);

const read = `
  select l.* from workflows w left join lateral (${lines}) l on true
  where w.id = $1 and w.team_id = $2
  order by ${order}`;

type LineRow = {
  txid: string;
  execution_id: string;
  position: number;
  path: string;
  level: LogLevel;
  message: string;
  data: Json;
  at: Date;
  settled: boolean;
};

function eventOf(row: LineRow): Named<WorkflowLogEvent> {
  const { txid, execution_id: executionId, position, path, level, message, data, at } = row;
  const event: WorkflowLogEvent = { event: 'log', data: { executionId, path, level, message, data, at } };
  return { id: `${txid}:${executionId}:${position}`, event };
}

/** The place of the line that an event's id names. */
export function placeOf(eventId: string): LogPlace {
  const [txid = '', executionId = '', position = ''] = eventId.split(':');
  return { txid, executionId, position: Number(position) };
}

/**
 * The lines of a workflow's executions after a place. A line is only given when no transaction under way can still write one
 * before it, so that none is skipped.
 *
 * @returns undefined when the team has no workflow with this id.
 */
export async function readLogs(
  database: Database,
  { teamId, workflowId, after }: { teamId: string; workflowId: string; after: LogPlace },
): Promise<Page<WorkflowLogEvent> | undefined> {
  const { rows } = await database.pool.query<LineRow | { txid: null }>({
    name: 'read-logs',
    text: read,
    values: [workflowId, teamId, after.txid, after.executionId, after.position],
  });
  if (rows.length === 0) return undefined;
  const found = rows.filter((row) => row.txid !== null);
  const events = found.filter((row) => row.settled).map(eventOf);
  if (events.length < found.length) return { events, next: 'soon' };
  return { events, next: events.length > 0 ? 'now' : 'when told' };
}

/** Where a stream begins that is to show the last `tail` lines; undefined when the team has no workflow with this id. */
export async function placeBefore(
  database: Database,
  { teamId, workflowId, tail }: { teamId: string; workflowId: string; tail: number },
): Promise<LogPlace | undefined> {
  const { rows } = await database.pool.query<{ txid: string | null; execution_id: string; position: number }>({
    name: 'log-place',
    text: `select l.txid, l.execution_id, l.position
      from workflows w left join lateral (
        select txid, execution_id, position from logs where workflow_id = w.id and ${settled}
        order by txid desc, execution_id desc, position desc offset $3 limit 1
      ) l on true
      where w.id = $1 and w.team_id = $2`,
    values: [workflowId, teamId, tail],
  });
  const [row] = rows;
  if (!row) return undefined;
  return row.txid === null ? start : { txid: row.txid, executionId: row.execution_id, position: row.position };
}

/** The last settled line of workflows, by id. */
export async function logMarks(database: Database, ids: string[]): Promise<Map<string, string | null>> {
  const { rows } = await database.pool.query<{ id: string; mark: string | null }>({
    name: 'log-marks',
    text: `select w.id, (
        select concat_ws(':', ${order}) from logs where workflow_id = w.id and ${settled}
        order by txid desc, execution_id desc, position desc limit 1
      ) as mark
      from workflows w where w.id = any($1)`,
    values: [ids],
  });
  return new Map(rows.map(({ id, mark }) => [id, mark]));
}
