import type { ExecutionStatus } from '@flowplane/contract/execution';
import type { Tables } from '@flowplane/db/database';
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { apartMs, idAt, storableTime } from '../id-time.ts';

/** What executions are narrowed by. */
export type ExecutionFilter = {
  workflowId?: string | undefined;
  status?: ExecutionStatus | undefined;
  trigger?: string | undefined;
  errorCode?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
};

/** Written out, as a parameter would not let PostgreSQL see that an index over some statuses only will do. */
function isStatus(status: ExecutionStatus): Expression<SqlBool> {
  return sql<SqlBool>`status = ${sql.lit(status)}`;
}

const open: ReadonlySet<ExecutionStatus> = new Set(['pending', 'running', 'waiting']);

/** A condition on `executions` that an index serves, or at least walks in the list's order. */
export function matching({ workflowId, status, trigger, errorCode, since, until }: ExecutionFilter) {
  return (where: ExpressionBuilder<Tables, 'executions'>): Expression<SqlBool> => {
    const conditions: Expression<SqlBool>[] = [];
    if (workflowId) conditions.push(where('workflow_id', '=', workflowId));
    if (status) conditions.push(isStatus(status));
    if (status && open.has(status)) conditions.push(where('due_at', 'is not', null));
    if (trigger) conditions.push(where('trigger', '=', trigger));
    if (errorCode) conditions.push(isStatus('failed'), sql<SqlBool>`error ->> 'code' = ${errorCode}`);
    if (since)
      conditions.push(where('id', '>=', idAt(since, -apartMs)), where('created_at', '>=', storableTime(since)));
    if (until) conditions.push(where('id', '<', idAt(until, apartMs)), where('created_at', '<', storableTime(until)));
    return where.and(conditions);
  };
}
