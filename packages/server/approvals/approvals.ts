import {
  type Approval,
  type ApprovalDecision,
  type approvalListInput,
  approvalRequest,
} from '@flowplane/contract/approval';
import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import type { z } from 'zod';
import { type ApprovalLinks, approvalLink } from './link.ts';

/** `links` only where the caller may decide. */
export type Scope = { db: Db; teamId: string; links: ApprovalLinks | undefined };

export function noApproval(id: string): Refusal {
  return new Refusal('not_found', `There is no approval ${id} in this team.`);
}

type Row = {
  id: string;
  execution_id: string;
  workflow_id: string;
  workflow_name: string;
  path: string;
  request: unknown;
  decision: ApprovalDecision | null;
  is_late: boolean;
  has_ended: boolean;
  created_at: Date;
  expires_at: Date | null;
};

function statusOf({ decision, is_late, has_ended }: Row): Approval['status'] {
  if (decision) return decision.approved ? 'approved' : 'rejected';
  if (is_late) return 'expired';
  return has_ended ? 'ended' : 'open';
}

function approvalOf(row: Row, links: ApprovalLinks | undefined): Approval {
  const step = { executionId: row.execution_id, path: row.path };
  const status = statusOf(row);
  return {
    id: row.id,
    ...step,
    workflowId: row.workflow_id,
    workflowName: row.workflow_name,
    ...approvalRequest.parse(row.request),
    status,
    decision: row.decision,
    link: links && status === 'open' ? approvalLink(links, step) : null,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

function approvals(db: Db) {
  return db
    .selectFrom('waits as w')
    .innerJoin('executions as x', 'x.id', 'w.execution_id')
    .innerJoin('workflows as f', 'f.id', 'x.workflow_id')
    .select([
      'w.id',
      'w.execution_id',
      'w.path',
      'w.request',
      'w.created_at',
      'w.expires_at',
      'x.workflow_id',
      'f.name as workflow_name',
      sql<ApprovalDecision | null>`w.outcome -> 'output'`.as('decision'),
      sql<boolean>`coalesce(w.expires_at <= now(), false)`.as('is_late'),
      sql<boolean>`x.due_at is null`.as('has_ended'),
    ])
    .where('w.kind', '=', 'approval');
}

/** A page of the team's approvals, newest first. */
export async function listApprovals(
  { db, teamId, links }: Scope,
  { limit, cursor, status, workflowId, executionId }: z.output<typeof approvalListInput>,
): Promise<{ items: Approval[]; nextCursor: string | null }> {
  let query = approvals(db)
    .where('w.team_id', '=', teamId)
    .orderBy('w.id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('w.id', '<', idOfCursor(cursor));
  if (workflowId) query = query.where('x.workflow_id', '=', workflowId);
  if (executionId) query = query.where('w.execution_id', '=', executionId);
  if (status === 'decided') query = query.where('w.resolved_at', 'is not', null);
  if (status === 'open') {
    query = query
      .where('w.resolved_at', 'is', null)
      .where('x.due_at', 'is not', null)
      .where((where) => where.or([where('w.expires_at', 'is', null), where('w.expires_at', '>', sql<Date>`now()`)]));
  }
  const rows = await query.execute();
  const items = rows.slice(0, limit).map((row) => approvalOf(row, links));
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}

/** @throws Refusal `not_found`. */
export async function getApproval({ db, teamId, links }: Scope, id: string): Promise<Approval> {
  const row = await approvals(db).where('w.team_id', '=', teamId).where('w.id', '=', id).executeTakeFirst();
  if (!row) throw noApproval(id);
  return approvalOf(row, links);
}

/** The approvals of one execution with the teams that they are of, for whoever has a link. */
export async function approvalsOfExecution(
  db: Db,
  executionId: string,
): Promise<{ approval: Approval; teamId: string }[]> {
  const rows = await approvals(db).select('w.team_id').where('w.execution_id', '=', executionId).execute();
  return rows.map((row) => ({ approval: approvalOf(row, undefined), teamId: row.team_id }));
}
