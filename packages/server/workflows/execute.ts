import { Refusal } from '@flowplane/contract/errors';
import type { Execution } from '@flowplane/contract/execution';
import type { workflowExecuteInput } from '@flowplane/contract/workflow';
import type { Db } from '@flowplane/db/database';
import { keepDefinition } from '@flowplane/engine/definitions';
import type { Engine } from '@flowplane/engine/engine';
import type { z } from 'zod';
import { requireStartLeft } from '../auth/guests/quota.ts';
import { finished } from '../executions/finished.ts';
import { startExecution } from '../executions/start.ts';
import { checkInputSize } from './input-size.ts';
import { noWorkflow } from './workflows.ts';

type Runnable = { version: number | null; definitionHash: string };

async function publishedVersion(db: Db, teamId: string, id: string): Promise<Runnable> {
  const row = await db
    .selectFrom('workflows as w')
    .leftJoin('workflow_versions as v', (join) =>
      join.onRef('v.workflow_id', '=', 'w.id').onRef('v.version', '=', 'w.published_version'),
    )
    .select(['v.version', 'v.definition_hash'])
    .where('w.id', '=', id)
    .where('w.team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  if (row.version === null || row.definition_hash === null) {
    throw new Refusal('not_published', 'Publish the workflow first, or run its draft with draft: true.');
  }
  return { version: row.version, definitionHash: row.definition_hash };
}

async function draftVersion(db: Db, teamId: string, id: string): Promise<Runnable> {
  const row = await db
    .selectFrom('workflows')
    .select('definition')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  await requireStartLeft(db, teamId);
  return { version: null, definitionHash: await keepDefinition(db, teamId, row.definition) };
}

/**
 * Starts an execution and waits `wait` seconds at most for its end.
 *
 * @param scope.executionId the id that it must have, for a call that may be repeated: a repeat finds the execution
 *   (`replayed`), whatever has become of the workflow since.
 * @throws Refusal `not_found`, `not_published`, `payload_too_large`, `queue_full`.
 */
export async function executeWorkflow(
  { db, teamId, engine, executionId }: { db: Db; teamId: string; engine: Engine; executionId: string | undefined },
  { id, input, wait, draft, priority }: z.output<typeof workflowExecuteInput>,
): Promise<{ execution: Execution; replayed: boolean }> {
  const ms = wait * 1_000;
  const before = executionId && (await engine.wait(teamId, executionId, ms));
  if (before) return { execution: before, replayed: true };
  checkInputSize(input);
  const runnable = draft ? await draftVersion(db, teamId, id) : await publishedVersion(db, teamId, id);
  const request = { teamId, workflowId: id, ...runnable, trigger: 'api', input, priority };
  const started = await startExecution(engine, { ...request, id: executionId });
  if (!started) throw noWorkflow(id);
  return { execution: await finished(engine, started, { teamId, ms }), replayed: false };
}
