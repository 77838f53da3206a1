import type { Definition } from '@flowplane/contract/definition';
import type { Failure, StepStatus } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import type { Resolution, StepRecord } from './journal.ts';
import { resolution } from './resolutions.ts';

/** The steps of a journal, sorted by the graphs that they are of. */
export type Restored = {
  /** Steps by what their paths begin with: nothing, or an item's path and a dot. */
  steps: Map<string, StepRecord[]>;
  /** Items that are through, by the path of their loop and their place. */
  items: Map<string, Map<number, StepRecord>>;
  /** Params of the loops under way, by path. */
  inputs: Map<string, Json>;
};

/** The journal of an execution that another lease has begun, and where its positions go on. */
export type Loaded = { restored: Restored; nextPosition: number; nextLogPosition: number };

type StepRow = {
  path: string;
  position: number;
  node_id: string;
  type: string;
  status: StepStatus;
  attempt: number;
  port: string | null;
  input: Json;
  output: Json;
  error: Failure | null;
  progress: string | null;
  wake_at: Date | null;
  wake_in_ms: number | null;
  suspended: boolean;
  resolution: Resolution | null;
  started_at: Date | null;
  finished_at: Date | null;
  sequence: number;
};

// What is within an item that is through is of no interest any more: the item's own row has its result.
const unfinished = `
  select s.path, s.position, s.node_id, s.type, s.status, s.attempt, s.port, s.output, s.error, s.wake_at, s.started_at,
    s.finished_at, s.sequence,
    case when s.status = 'running' then s.input end as input,
    case when s.status in ('running', 'waiting') then s.progress::text end as progress,
    extract(epoch from s.wake_at - now())::float8 * 1000 as wake_in_ms,
    w.path is not null as suspended, ${resolution} as resolution
  from steps s
  left join waits w on s.status = 'waiting' and s.error is null and w.execution_id = s.execution_id and w.path = s.path
  left join executions c on c.id = w.child_id
  where s.execution_id = $1 and not exists (
    select from steps i where i.execution_id = s.execution_id and s.path like '%].%'
      and i.path = substring(s.path from '^(.*\\])\\.') and i.status in ('completed', 'failed', 'cancelled'))
  order by s.position`;

function stepOf(row: StepRow): StepRecord {
  return {
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
    progressText: row.progress ?? undefined,
    error: row.error ?? undefined,
    wait: row.wake_at ? { until: row.wake_at } : undefined,
    suspension: row.suspended ? { kind: 'loaded' } : undefined,
    resolution: row.resolution ?? undefined,
    wakeAtMs: row.wake_in_ms === null ? undefined : performance.now() + row.wake_in_ms,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    sequence: row.sequence,
  };
}

function add<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function restoredOf(rows: StepRow[]): Restored {
  const restored: Restored = { steps: new Map(), items: new Map(), inputs: new Map() };
  for (const row of rows) {
    const step = stepOf(row);
    const item = /^(.*)\[(\d+)\]$/.exec(row.path);
    if (item) {
      const [, loop = '', index = ''] = item;
      const items = restored.items.get(loop) ?? new Map<number, StepRecord>();
      restored.items.set(loop, items.set(Number(index), step));
    } else {
      add(restored.steps, row.path.slice(0, row.path.lastIndexOf('.') + 1), step);
      restored.inputs.set(row.path, row.input);
    }
  }
  return restored;
}

/** Nothing, for an execution that begins. */
export function nothingLoaded(): Loaded {
  return { restored: { steps: new Map(), items: new Map(), inputs: new Map() }, nextPosition: 0, nextLogPosition: 0 };
}

/** Reads the journal of an execution. Whether a wait is over is judged by the database's clock. */
export async function loadJournal(database: Database, id: string): Promise<Loaded> {
  const [steps, next] = await Promise.all([
    database.pool.query<StepRow>({ name: 'load-journal', text: unfinished, values: [id] }),
    database.pool.query<{ step: number; log: number }>({
      name: 'next-positions',
      text: `select (select coalesce(max(position) + 1, 0)::int from steps where execution_id = $1) as step,
        (select coalesce(max(position) + 1, 0)::int from logs where execution_id = $1) as log`,
      values: [id],
    }),
  ]);
  const [positions] = next.rows;
  return {
    restored: restoredOf(steps.rows),
    nextPosition: positions?.step ?? 0,
    nextLogPosition: positions?.log ?? 0,
  };
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
