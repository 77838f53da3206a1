import { createHash } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import type { Database } from '@flowplane/db/database';
import type { StartRequest } from './engine.ts';
import type { AtFaultPoint } from './fault-points.ts';
import type { StepRecord } from './journal/journal.ts';
import { NodeError } from './node-error.ts';
import type { CallRequest } from './node-type.ts';
import type { Lease } from './queue/lease.ts';

type Callee = { name: string; version: number | null; definition_hash: string | null };

async function calleeOf(database: Database, teamId: string, workflowId: string): Promise<StartRequest> {
  const { rows } = await database.pool.query<Callee>({
    name: 'callee',
    text: `select w.name, v.version, v.definition_hash from workflows w
      left join workflow_versions v on v.workflow_id = w.id and v.version = w.published_version
      where w.id = $1 and w.team_id = $2`,
    values: [workflowId, teamId],
  });
  const [row] = rows;
  if (!row) throw new NodeError('not_found', `There is no workflow ${workflowId} in this team.`);
  const { version, definition_hash: definitionHash } = row;
  if (version === null || definitionHash === null) {
    throw new NodeError('not_published', `The workflow ${row.name} is not published; publish it first.`);
  }
  return { teamId, workflowId, version, definitionHash, trigger: 'workflow', input: null };
}

/**
 * What the step has started already: `open` when its worker died before it could wait for it, and how many in all, of which
 * earlier attempts have waited for the others.
 */
async function startedBefore(
  database: Database,
  parentId: string,
  path: string,
): Promise<{ open: string | undefined; count: number }> {
  const { rows } = await database.pool.query<{ id: string; awaited: boolean }>({
    name: 'started-before',
    text: `select id, exists (select from waits w where w.execution_id = $1 and w.path = $2 and w.child_id = c.id) as awaited
      from executions c where parent_id = $1 and parent_path = $2 order by created_at desc, id desc`,
    values: [parentId, path],
  });
  const [last] = rows;
  return { open: last && !last.awaited ? last.id : undefined, count: rows.length };
}

/**
 * The id of the execution that a step starts: also a worker that has lost its lease without knowing starts no second one. A UUID
 * of version 7 with the time at which the step began, so that executions are listed by it.
 */
function calledId({ id, createdAt }: Lease, { path, startedAt }: StepRecord, count: number): string {
  const time = (startedAt ?? createdAt).getTime().toString(16).padStart(12, '0');
  const hash = createHash('sha256').update(`${id} ${path} ${count}`).digest('hex');
  // The two bits of RFC 9562's variant.
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}

/**
 * Starts the execution of another workflow that a step asks for.
 *
 * @returns its id.
 * @throws NodeError `not_found`, `not_published`, `too_deep`, and what a start is refused with.
 */
export async function startCall(
  {
    database,
    start,
    atFaultPoint,
  }: {
    database: Database;
    start: (request: StartRequest) => Promise<unknown>;
    atFaultPoint?: AtFaultPoint | undefined;
  },
  { lease, step }: { lease: Lease; step: StepRecord },
  { workflowId, input, onParentEnd }: CallRequest,
): Promise<string> {
  const { id: parentId, teamId, depth } = lease;
  if (depth >= limits.depth) {
    throw new NodeError('too_deep', `Workflows may call each other ${limits.depth} deep; does this one call itself?`);
  }
  const { open, count } = await startedBefore(database, parentId, step.path);
  if (open) return open;
  const callee = await calleeOf(database, teamId, workflowId);
  const id = calledId(lease, step, count);
  if (atFaultPoint) await atFaultPoint('calling', lease);
  await start({ ...callee, input, id, parent: { id: parentId, path: step.path, depth, onEnd: onParentEnd } }).catch(
    (error: unknown) => {
      throw error instanceof Refusal ? new NodeError(error.code, error.message) : error;
    },
  );
  if (atFaultPoint) await atFaultPoint('called', lease);
  return id;
}
