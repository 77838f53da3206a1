import type { Execution } from '@flowplane/contract/execution';
import type { Database } from '@flowplane/db/database';

type Row = {
  id: string;
  workflow_id: string;
  version: number | null;
  status: Execution['status'];
  trigger: string;
  restarted_from: string | null;
  input: Execution['input'];
  output: Execution['output'];
  error: Execution['error'];
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
};

/** One execution as every face shows it; undefined when the team has none with this id. */
export async function readExecution(database: Database, teamId: string, id: string): Promise<Execution | undefined> {
  const { rows } = await database.pool.query<Row>({
    name: 'read-execution',
    text: `select id, workflow_id, version, status, trigger, restarted_from, input, output, error, created_at, started_at, finished_at
      from executions where id = $1 and team_id = $2`,
    values: [id, teamId],
  });
  const [row] = rows;
  return (
    row && {
      id: row.id,
      workflowId: row.workflow_id,
      version: row.version,
      status: row.status,
      trigger: row.trigger,
      restartedFrom: row.restarted_from,
      input: row.input,
      output: row.output,
      error: row.error,
      createdAt: row.created_at,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    }
  );
}

/** Whether an execution will not change any more. */
export function isFinal(status: Execution['status']): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
