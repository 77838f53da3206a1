import type { ExecutionEvent, ExecutionStatus, Failure, LogLevel, StepStatus } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import { isFinal } from '../execution.ts';
import type { Named, Page } from './follow.ts';
import { pageRows, withinBudget } from './page-budget.ts';

const changes = withinBudget(
  `select 'step' as kind, sequence, path, node_id, type, status, attempt, input, output, error, progress, null as message, started_at, finished_at
   from steps where execution_id = x.id and sequence > $3
   union all
   select 'log', sequence, path, null, null, level, null, null, data, null, null, message, at, null
   from logs where execution_id = x.id and sequence > $3
   order by sequence limit ${pageRows}`,
  { columns: ['input', 'output', 'progress'], by: 'sequence' },
);

// One statement, as two would see two states. Where nothing is new it reads one row.
const read = `
  select e.kind, e.sequence, e.path, e.node_id, e.type, e.status, e.attempt, e.input, e.output, e.error, e.progress, e.message,
    e.started_at, e.finished_at, x.status as execution_status, x.sequence as execution_sequence, x.workflow_id, x.version, x.trigger, x.restarted_from,
    case when x.due_at is null and e.sequence is null then x.input end as execution_input,
    case when x.due_at is null and e.sequence is null then x.output end as execution_output,
    x.error as execution_error, x.created_at, x.started_at as execution_started_at, x.finished_at as execution_finished_at
  from executions x left join lateral (${changes}) e on x.events > $3
  where x.id = $1 and x.team_id = $2
  order by e.sequence`;

type ExecutionRow = {
  execution_status: ExecutionStatus;
  execution_sequence: number;
  workflow_id: string;
  version: number | null;
  trigger: string;
  restarted_from: string | null;
  execution_input: Json;
  execution_output: Json;
  execution_error: Failure | null;
  created_at: Date;
  execution_started_at: Date | null;
  execution_finished_at: Date | null;
};

type ChangeRow = {
  sequence: number;
  path: string;
  input: Json;
  output: Json;
  started_at: Date;
} & (
  | {
      kind: 'step';
      node_id: string;
      type: string;
      status: StepStatus;
      attempt: number;
      error: Failure | null;
      progress: Json;
      finished_at: Date | null;
    }
  | { kind: 'log'; status: LogLevel; message: string }
);

type Row = ExecutionRow & (ChangeRow | { kind: null });

function changeOf(row: ChangeRow): ExecutionEvent {
  if (row.kind === 'log') {
    const { path, status, message, output, started_at } = row;
    return { event: 'log', data: { path, level: status, message, data: output, at: started_at } };
  }
  const { path, type, status, attempt, input, output, error, progress } = row;
  const times = { startedAt: row.started_at, finishedAt: row.finished_at };
  const values = { input, output, error, progress };
  return { event: 'step', data: { path, nodeId: row.node_id, type, status, attempt, ...values, ...times } };
}

function doneOf(id: string, row: ExecutionRow): ExecutionEvent {
  return {
    event: 'done',
    data: {
      id,
      workflowId: row.workflow_id,
      version: row.version,
      status: row.execution_status,
      trigger: row.trigger,
      restartedFrom: row.restarted_from,
      input: row.execution_input,
      output: row.execution_output,
      error: row.execution_error,
      createdAt: row.created_at,
      startedAt: row.execution_started_at,
      finishedAt: row.execution_finished_at,
    },
  };
}

/**
 * What happened in an execution after the event numbered `after`, in order: changes of its status and its steps, of each the
 * latest, and log lines; at the end of a final one, `done`.
 *
 * @returns undefined when the team has none with this id.
 */
export async function readEvents(
  database: Database,
  { teamId, id, after }: { teamId: string; id: string; after: number },
): Promise<Page<ExecutionEvent> | undefined> {
  const { rows } = await database.pool.query<Row>({ name: 'read-events', text: read, values: [id, teamId, after] });
  const [first] = rows;
  if (!first) return undefined;
  const { execution_status: status, execution_sequence: sequence } = first;
  const events: Named<ExecutionEvent>[] = [];
  let told = sequence <= after;
  const tell = () => {
    told = true;
    events.push({ id: String(sequence), event: { event: 'status', data: { status } } });
  };
  for (const row of rows) {
    if (row.kind === null) continue;
    if (!told && row.sequence > sequence) tell();
    events.push({ id: String(row.sequence), event: changeOf(row) });
  }
  // Where there were changes there may be more of them before the status.
  if (first.kind !== null) return { events, next: 'now' };
  if (!told) tell();
  if (!isFinal(status)) return { events, next: 'when told' };
  if (after <= sequence) events.push({ id: String(sequence + 1), event: doneOf(id, first) });
  return { events, next: 'never' };
}

/** How many events executions have had, by id. */
export async function eventMarks(database: Database, ids: string[]): Promise<Map<string, string>> {
  const { rows } = await database.pool.query<{ id: string; events: number }>({
    name: 'event-marks',
    text: 'select id, events from executions where id = any($1)',
    values: [ids],
  });
  return new Map(rows.map(({ id, events }) => [id, String(events)]));
}

/** Whether the team has an execution with this id. */
export async function hasExecution(database: Database, teamId: string, id: string): Promise<boolean> {
  const { rowCount } = await database.pool.query({
    name: 'has-execution',
    text: 'select from executions where id = $1 and team_id = $2',
    values: [id, teamId],
  });
  return rowCount === 1;
}
