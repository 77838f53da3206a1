import type { ExecutionStatus } from '@flowplane/contract/execution';
import type { Tables } from '@flowplane/db/database';
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';

/** What executions are narrowed by. */
export type ExecutionFilter = {
  workflowId?: string | undefined;
  status?: ExecutionStatus | undefined;
  trigger?: string | undefined;
  errorCode?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
};

/** How far the clock of a process that makes ids may be from that of the database, and its insert from the id. */
const apartMs = 60_000;

/** The nearest time that PostgreSQL and an id both have. */
function storable(date: Date): Date {
  return new Date(Math.min(Math.max(date.getTime(), 0), 253_402_300_799_000));
}

/** The least id of a time: ids begin with the milliseconds (UUID version 7), so that an index has them in order. */
function idAt(date: Date, moreMs: number): string {
  const ms = Math.min(Math.max(date.getTime() + moreMs, 0), 2 ** 48 - 1);
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

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
    if (since) conditions.push(where('id', '>=', idAt(since, -apartMs)), where('created_at', '>=', storable(since)));
    if (until) conditions.push(where('id', '<', idAt(until, apartMs)), where('created_at', '<', storable(until)));
    return where.and(conditions);
  };
}
