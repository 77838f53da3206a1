import type { WorkflowStatus } from '@flowplane/contract/workflow';
import { listExecutions } from '../executions/executions.ts';
import { requireWorkflow, type Scope } from './workflows.ts';

/** What a workflow is doing. @throws Refusal `not_found`. */
export async function statusOfWorkflow(
  { db, teamId }: Pick<Scope, 'db' | 'teamId'>,
  id: string,
): Promise<WorkflowStatus> {
  await requireWorkflow({ db, teamId }, id);
  const rows = await db
    .selectFrom('executions')
    .select((eb) => ['status', eb.fn.countAll<string>().as('count')])
    .where('workflow_id', '=', id)
    .where('team_id', '=', teamId)
    .where('due_at', 'is not', null)
    .groupBy('status')
    .execute();
  const counts = new Map(rows.map(({ status, count }) => [status, Number(count)]));
  const of = (status: 'pending' | 'running' | 'waiting') => counts.get(status) ?? 0;
  const { items } = await listExecutions({ db, teamId }, { workflowId: id, limit: 1 });
  return {
    underWay: { pending: of('pending'), running: of('running'), waiting: of('waiting') },
    latest: items[0] ?? null,
  };
}
