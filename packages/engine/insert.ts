import type { Database } from '@flowplane/db/database';
import { leaseSeconds } from './lease.ts';

/** A new execution as it goes into the table. */
export type NewExecution = {
  id: string;
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  trigger: string;
  inputText: string;
  /** The worker that it is born leased to; null leaves it pending for whoever looks first. */
  worker: string | null;
};

const insert = `
  insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, worker, due_at, started_at)
  select d.id, d.team_id, d.workflow_id, d.version, d.definition_hash,
    case when d.worker is null then 'pending' else 'running' end, d.trigger, d.input, d.worker,
    case when d.worker is null then now() else now() + interval '${leaseSeconds} seconds' end,
    case when d.worker is null then null else now() end
  from json_to_recordset($1) as d(id uuid, team_id uuid, workflow_id uuid, version int, definition_hash text, trigger text,
    input json, worker uuid)
  -- A repeat after a lost answer finds its own row.
  on conflict (id) do update set trigger = excluded.trigger
  returning created_at`;

function rowText(row: NewExecution): string {
  const { inputText, ...rest } = row;
  const columns = JSON.stringify({
    id: rest.id,
    team_id: rest.teamId,
    workflow_id: rest.workflowId,
    version: rest.version,
    definition_hash: rest.definitionHash,
    trigger: rest.trigger,
    worker: rest.worker,
  });
  return `${columns.slice(0, -1)},"input":${inputText}}`;
}

/** Inserts executions in one statement. @returns when each was created, by the database's clock. */
export async function insertExecutions(database: Database, rows: NewExecution[]): Promise<Date[]> {
  const values = [`[${rows.map(rowText).join(',')}]`];
  const result = await database.pool.query<{ created_at: Date }>({ name: 'insert-executions', text: insert, values });
  return result.rows.map((row) => row.created_at);
}
