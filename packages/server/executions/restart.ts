import { Refusal } from '@flowplane/contract/errors';
import type { Execution, executionRestartInput } from '@flowplane/contract/execution';
import { inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import { isFinal } from '@flowplane/engine/execution';
import { restartTrigger } from '@flowplane/engine/restart';
import type { z } from 'zod';
import { checkInputSize } from '../workflows/input-size.ts';
import { noExecution, type Scope } from './executions.ts';

type Runnable = { version: number | null; definitionHash: string };

/** @throws Refusal `invalid_input`, `not_published`. */
async function versionToRun(
  { db, teamId }: Scope,
  workflowId: string,
  version: number | 'latest',
): Promise<{ version: number; definitionHash: string }> {
  const query = db
    .selectFrom('workflows as w')
    .innerJoin('workflow_versions as v', 'v.workflow_id', 'w.id')
    .select(['v.version', 'v.definition_hash as definitionHash'])
    .where('w.id', '=', workflowId)
    .where('w.team_id', '=', teamId);
  const found = await (version === 'latest'
    ? query.whereRef('v.version', '=', 'w.published_version')
    : query.where('v.version', '=', version)
  ).executeTakeFirst();
  if (found) return found;
  if (version === 'latest')
    throw new Refusal('not_published', 'The workflow has no published version; publish it first.');
  const message = `is not a published version of the workflow`;
  throw new Refusal('invalid_input', `version: ${version} ${message}.`, [{ path: 'version', message }]);
}

/** The node that a path leads through at the top. */
function nodeOf(path: string): string {
  return path.replace(/[.[].*$/s, '');
}

async function checkNode({ db, teamId }: Scope, { definitionHash }: Runnable, nodeId: string): Promise<void> {
  const { body } = await db
    .selectFrom('definitions')
    .select('body')
    .where('team_id', '=', teamId)
    .where('hash', '=', definitionHash)
    .executeTakeFirstOrThrow();
  if (body.nodes.some((node) => node.id === nodeId)) return;
  const message = `has no node ${nodeId}`;
  throw new Refusal('invalid_input', `from: the version that is to run ${message}.`, [
    { path: 'from', message: `the version that is to run ${message}` },
  ]);
}

type Team = Scope & { engine: Pick<Engine, 'restart'> };

async function restartIn(
  scope: Team,
  { id, from, version, input }: z.output<typeof executionRestartInput>,
): Promise<Execution> {
  const { db, teamId } = scope;
  const source = await db
    .selectFrom('executions')
    .select(['workflow_id', 'version', 'definition_hash', 'status', 'input'])
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!source) throw noExecution(id);
  if (!isFinal(source.status)) {
    throw new Refusal('not_finished', 'Only an execution that has ended can be restarted; cancel it first.');
  }
  if (input !== undefined) checkInputSize(input);
  const workflowId = source.workflow_id;
  const same = { version: source.version, definitionHash: source.definition_hash };
  const runnable = version === undefined ? same : await versionToRun(scope, workflowId, version);
  const nodeId = from === undefined ? undefined : nodeOf(from);
  if (nodeId !== undefined) await checkNode(scope, runnable, nodeId);
  const request = { sourceId: id, teamId, workflowId, ...runnable, input };
  const [made] = await scope.engine.restart(db, [{ ...request, from: nodeId === undefined ? 'start' : { nodeId } }]);
  if (made === undefined) throw noExecution(id);
  const { created_at: createdAt } = await db
    .selectFrom('executions')
    .select('created_at')
    .where('id', '=', made)
    .executeTakeFirstOrThrow();
  return {
    id: made,
    workflowId,
    version: runnable.version,
    status: 'pending',
    trigger: restartTrigger,
    restartedFrom: id,
    input: input === undefined ? source.input : input,
    output: null,
    error: null,
    createdAt,
    startedAt: null,
    finishedAt: null,
  };
}

/**
 * Makes a new execution out of one that has ended: with what is to be kept of its results, on the version and with the input that
 * are named. The engine is to be told that it was `restarted` after the commit.
 *
 * @throws Refusal `not_found`, `not_finished`, `not_published`, `payload_too_large`, `queue_full`, and `invalid_input` for a
 * version or node that there is not.
 */
export function restartExecution(
  { db, ...team }: Team,
  input: z.output<typeof executionRestartInput>,
): Promise<Execution> {
  return inTransaction(db, (tx) => restartIn({ db: tx, ...team }, input));
}
