import type { Definition } from '@flowplane/contract/definition';
import type { Failure, StepStatus } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import type { Journal } from './journal.ts';

/** The journal of an execution that another lease has begun, and where its positions go on. */
export type Loaded = {
  journal: Journal;
  /** Attempts of steps that were under way when their worker died; they run again. */
  attempts: Map<string, { attempt: number; position: number }>;
  nextPosition: number;
  nextLogPosition: number;
};

type StepRow = {
  path: string;
  position: number;
  node_id: string;
  type: string;
  status: StepStatus;
  attempt: number;
  port: string | null;
  output: Json;
  error: Failure | null;
  wake_at: Date | null;
  wake_in_ms: number | null;
  started_at: Date | null;
  finished_at: Date | null;
};

/** Reads the journal of an execution. Whether a wait is over is judged by the database's clock. */
export async function loadJournal(database: Database, id: string): Promise<Loaded> {
  const [steps, logs] = await Promise.all([
    database.pool.query<StepRow>({
      name: 'load-journal',
      text: `select path, position, node_id, type, status, attempt, port, output, error, wake_at, extract(epoch from wake_at - now())::float8 * 1000 as wake_in_ms,
        started_at, finished_at from steps where execution_id = $1 order by position`,
      values: [id],
    }),
    database.pool.query<{ next: number }>({
      name: 'next-log-position',
      text: 'select coalesce(max(position) + 1, 0)::int as next from logs where execution_id = $1',
      values: [id],
    }),
  ]);
  const loaded: Loaded = {
    journal: new Map(),
    attempts: new Map(),
    nextPosition: (steps.rows.at(-1)?.position ?? -1) + 1,
    nextLogPosition: logs.rows[0]?.next ?? 0,
  };
  for (const row of steps.rows) {
    if (row.status === 'running') {
      loaded.attempts.set(row.path, { attempt: row.attempt, position: row.position });
      continue;
    }
    loaded.journal.set(row.path, {
      path: row.path,
      position: row.position,
      nodeId: row.node_id,
      type: row.type,
      status: row.status,
      attempt: row.attempt,
      port: row.port ?? undefined,
      inputText: undefined,
      output: row.output,
      outputText: undefined,
      error: row.error ?? undefined,
      wait: row.wake_at ? { until: row.wake_at } : undefined,
      wakeAtMs: row.wake_in_ms === null ? undefined : performance.now() + row.wake_in_ms,
      startedAt: row.started_at ?? undefined,
      finishedAt: row.finished_at ?? undefined,
    });
  }
  return loaded;
}

/** The definition that an execution was started with. */
export async function loadDefinition(
  database: Database,
  teamId: string,
  hash: string,
): Promise<Definition | undefined> {
  const { rows } = await database.pool.query<{ body: Definition }>({
    name: 'load-definition',
    text: 'select body from definitions where team_id = $1 and hash = $2',
    values: [teamId, hash],
  });
  return rows[0]?.body;
}
