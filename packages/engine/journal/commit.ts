import type { ExecutionStatus, Failure } from '@flowplane/contract/execution';
import type { Database } from '@flowplane/db/database';
import { CompiledQuery } from 'kysely';
import type { QueryConfig } from 'pg';
import { isFinal } from '../execution.ts';
import { leaseSeconds } from '../queue/lease.ts';
import { signalExecutions } from '../signal.ts';
import type { LogRecord, StepRecord } from './journal.ts';

/** What one execution writes at once. */
export type Commit = {
  id: string;
  fence: string;
  /** `running` keeps the lease, `pending` hands it back, `waiting` gives it up until the next wait is over; others are final. */
  status: ExecutionStatus;
  outputText: string | undefined;
  error: Failure | undefined;
  steps: StepRecord[];
  logs: LogRecord[];
  workflowId: string;
  /** The number of the last event, and of the status. */
  events: number;
  sequence: number;
  /** Seconds after its creation at which the execution ends, whatever it is doing. */
  timeLimit: number;
  /** The signals that were looked at: when there are more by now, a wait is over at once. */
  signals: number;
  /** The execution that waits for this one's end. */
  parentId: string | null;
  /** Whether a step was finished, so that the workers that died before do not count any more. */
  progress: boolean;
};

/** Waits are counted from the commit, by the database's clock. */
const commit = `
  with steps_in as materialized (
    select *, case when wait_seconds is not null then now() + make_interval(secs => wait_seconds) else wait_until end as wake_at
    from json_to_recordset($2) as s(execution_id uuid, fence bigint, path text, position int, node_id text, type text, status text, attempt int,
      port text, input json, output json, error json, progress json, wait_seconds float8, wait_until timestamptz, started_at timestamptz,
      finished_at timestamptz, sequence int)
  ), held as (
    update executions x set
      status = d.status, output = d.output, error = d.error, events = d.events, sequence = d.sequence,
      worker = case when d.status = 'running' then x.worker end,
      queue_rank = case when d.status = 'pending' then x.priority end,
      crashes = case when d.progress then 0 else x.crashes end,
      due_at = case d.status
        when 'running' then now() + interval '${leaseSeconds} seconds'
        when 'pending' then now()
        when 'waiting' then case when x.signals > d.signals then now() else least(
          (select min(s.wake_at) from steps_in s where s.execution_id = d.id and s.status = 'waiting'),
          (select min(s.wake_at) from steps s where s.execution_id = d.id and s.status = 'waiting'
            and not exists (select from steps_in i where i.execution_id = d.id and i.path = s.path)),
          x.created_at + make_interval(secs => d.time_limit)) end
        end,
      finished_at = case when d.status in ('completed', 'failed', 'cancelled') then now() end
    from json_to_recordset($1) as d(id uuid, fence bigint, status text, output json, error json, progress boolean, events int, sequence int,
      signals int, time_limit float8)
    where x.id = d.id and x.fence = d.fence
    returning x.id, x.fence, x.due_at, x.finished_at
  ), journalled as (
    insert into steps (execution_id, path, position, node_id, type, status, attempt, port, input, output, error, progress, wake_at,
      started_at, finished_at, sequence)
    select execution_id, path, position, node_id, type, status, attempt, port, input, output, error, progress, wake_at,
      started_at, finished_at, sequence
    from steps_in where (execution_id, fence) in (select id, fence from held)
    on conflict (execution_id, path) do update set
      status = excluded.status, attempt = excluded.attempt, port = excluded.port, error = excluded.error,
      input = coalesce(excluded.input, steps.input), output = coalesce(excluded.output, steps.output),
      progress = coalesce(excluded.progress, steps.progress),
      wake_at = excluded.wake_at, started_at = excluded.started_at, finished_at = excluded.finished_at,
      sequence = excluded.sequence
  ), logged as (
    insert into logs (execution_id, position, path, level, message, data, at, sequence, workflow_id)
    select execution_id, position, path, level, message, data, at, sequence, workflow_id
    from json_to_recordset($3) as l(execution_id uuid, fence bigint, position int, path text, level text, message text, data json,
      at timestamptz, sequence int, workflow_id uuid)
    where (l.execution_id, l.fence) in (select id, fence from held)
    on conflict do nothing
  )`;

const result = 'select id, fence, due_at, finished_at from held';

/** Most commits begin no wait of this kind, and are spared the statement's part for it. */
const suspended = `, waited as (
    insert into waits (id, execution_id, path, team_id, kind, event, match, child_id, request, expires_at)
    select w.id, w.execution_id, w.path, x.team_id, w.kind, w.event, w.match, w.child_id, w.request,
      (select wake_at from steps_in s where s.execution_id = w.execution_id and s.path = w.path)
    from json_to_recordset($4) as w(id uuid, execution_id uuid, fence bigint, path text, kind text, event text, match jsonb, child_id uuid, request json)
    join executions x on x.id = w.execution_id
    where (w.execution_id, w.fence) in (select id, fence from held)
    on conflict (execution_id, path) do update set
      id = excluded.id, kind = excluded.kind, event = excluded.event, match = excluded.match, child_id = excluded.child_id, request = excluded.request,
      expires_at = excluded.expires_at, created_at = now(), outcome = null, resolved_at = null, resolved_by = null
    -- A repeat after a lost answer leaves alone what has come of the wait since.
    where waits.id <> excluded.id
  )`;

const commitOnly = `${commit} ${result}`;
const commitWaits = `${commit}${suspended} ${result}`;

function runText({
  id,
  fence,
  status,
  outputText,
  error,
  progress,
  events,
  sequence,
  signals,
  timeLimit,
}: Commit): string {
  return `{"signals":${signals},"time_limit":${timeLimit},"id":"${id}","fence":${fence},"status":"${status}","progress":${progress},"events":${events},"sequence":${sequence},"error":${JSON.stringify(error ?? null)},"output":${outputText ?? 'null'}}`;
}

function stepText({ id, fence }: Commit, step: StepRecord): string {
  const columns = JSON.stringify({
    execution_id: id,
    fence,
    path: step.path,
    position: step.position,
    node_id: step.nodeId,
    type: step.type,
    status: step.status,
    attempt: step.attempt,
    port: step.port,
    error: step.error,
    wait_seconds: step.wait && 'seconds' in step.wait ? step.wait.seconds : undefined,
    wait_until: step.wait && 'until' in step.wait ? step.wait.until : undefined,
    started_at: step.startedAt,
    finished_at: step.finishedAt,
    sequence: step.sequence,
  });
  const progress = step.progressText === undefined ? '' : `,"progress":${step.progressText}`;
  return `${columns.slice(0, -1)}${progress},"input":${step.inputText ?? 'null'},"output":${step.outputText ?? 'null'}}`;
}

function logText({ id, fence, workflowId }: Commit, line: LogRecord): string {
  const columns = JSON.stringify({
    execution_id: id,
    fence,
    position: line.position,
    path: line.path,
    level: line.level,
    message: line.message,
    at: line.at,
    sequence: line.sequence,
    workflow_id: workflowId,
  });
  return `${columns.slice(0, -1)},"data":${line.dataText}}`;
}

function waitTexts({ id, fence, steps }: Commit): string[] {
  return steps.flatMap(({ path, status, suspension }) => {
    if (status !== 'waiting' || !suspension || suspension.kind === 'loaded') return [];
    const row = {
      execution_id: id,
      fence,
      path,
      ...suspension,
      child_id: 'childId' in suspension ? suspension.childId : undefined,
    };
    return JSON.stringify(row);
  });
}

function list(rows: string[]): string {
  return `[${rows.join(',')}]`;
}

/** What became of a commit; undefined when the fence was old: somebody else has the execution now, or it was cancelled. */
export type Committed = { dueAt: Date | null; finishedAt: Date | null } | undefined;

type Row = { id: string; fence: string; due_at: Date | null; finished_at: Date | null };

/** Who waits for the end of an execution must learn of it whatever happens to this process. */
async function withParents(database: Database, parents: string[], statement: QueryConfig): Promise<{ rows: Row[] }> {
  return database.db.transaction().execute(async (db) => {
    const compiled = CompiledQuery.raw(statement.text, statement.values);
    const { rows } = await db.executeQuery<Row>(compiled);
    await signalExecutions(db, parents);
    return { rows };
  });
}

/**
 * Writes the progress of several executions in one statement: status, steps and logs of each, or nothing of it where its
 * fence is not the current one.
 */
export async function commitRuns(database: Database, commits: Commit[]): Promise<Committed[]> {
  const values = [
    list(commits.map(runText)),
    list(commits.flatMap((one) => one.steps.map((step) => stepText(one, step)))),
    list(commits.flatMap((one) => one.logs.map((line) => logText(one, line)))),
  ];
  const waits = commits.flatMap(waitTexts);
  const statement =
    waits.length === 0
      ? { name: 'commit-runs', text: commitOnly, values }
      : { name: 'commit-waits', text: commitWaits, values: [...values, list(waits)] };
  const parents = commits.flatMap(({ parentId, status }) => (parentId && isFinal(status) ? [parentId] : []));
  const { rows } =
    parents.length === 0 ? await database.pool.query<Row>(statement) : await withParents(database, parents, statement);
  // One execution may be there twice: held now, and as this process held it before its lease ran out.
  const held = new Map(
    rows.map((row) => [`${row.id}:${row.fence}`, { dueAt: row.due_at, finishedAt: row.finished_at }]),
  );
  return commits.map(({ id, fence }) => held.get(`${id}:${fence}`));
}
