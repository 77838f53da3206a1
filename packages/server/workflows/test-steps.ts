import type { Execution, LogLine } from '@flowplane/contract/execution';
import type { TestStep, WorkflowTestRun } from '@flowplane/contract/workflow-test';
import type { Database } from '@flowplane/db/database';
import { withinBudget } from '@flowplane/engine/streams/page-budget';
import { type StepRow, stepOf } from '../executions/journal.ts';

/** Steps, and log lines, of one answer; and bytes of the values of each. */
const mostRows = { steps: 200, logs: 500 };
const mostBytes = 2_097_152;

type CountedStep = StepRow & { total: string };
type LogRow = LogLine & { total: string };

const stepsText = withinBudget(
  `select s.path, s.position, s.node_id, s.type, s.status, s.attempt, s.input, s.output, s.error, s.progress, s.started_at,
    s.finished_at, count(*) over () as total
  from steps s where s.execution_id = $1 order by s.position limit ${mostRows.steps + 1}`,
  { columns: ['input', 'output', 'progress'], by: 'position', most: mostBytes },
);

const logsText = withinBudget(
  `select l.path, l.position, l.level, l.message, l.data, l.at, count(*) over () as total
  from logs l where l.execution_id = $1 order by l.position limit ${mostRows.logs + 1}`,
  { columns: ['message', 'data'], by: 'position', most: mostBytes },
);

function durationOf({ started_at: from, finished_at: to }: StepRow): number | null {
  return from && to ? Math.max(0, to.getTime() - from.getTime()) : null;
}

function testStepOf(row: StepRow, lines: LogRow[]): TestStep {
  const logs = lines.map(({ level, message, data, at }) => ({ level, message, data, at }));
  return { ...stepOf(row), durationMs: durationOf(row), logs };
}

function isMore(rows: { total: string }[], most: number): boolean {
  return rows.length > most || Number(rows[0]?.total ?? 0) > rows.length;
}

/** An execution with its first steps and what they logged, as far as they fit into one answer. */
export async function withSteps({ pool }: Pick<Database, 'pool'>, execution: Execution): Promise<WorkflowTestRun> {
  const values = [execution.id];
  const [steps, logs] = await Promise.all([
    pool.query<CountedStep>({ name: 'test-steps', text: stepsText, values }),
    pool.query<LogRow>({ name: 'test-logs', text: logsText, values }),
  ]);
  const lines = logs.rows.slice(0, mostRows.logs);
  const shown = steps.rows.slice(0, mostRows.steps);
  return {
    ...execution,
    steps: shown.map((row) =>
      testStepOf(
        row,
        lines.filter(({ path }) => path === row.path),
      ),
    ),
    truncated: isMore(steps.rows, mostRows.steps) || isMore(logs.rows, mostRows.logs),
  };
}
