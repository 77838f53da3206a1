import type { Approval, FieldValues } from '@flowplane/contract/approval';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import { type From, record } from '../audit/record.ts';
import { approvalsOfExecution } from './approvals.ts';
import { decide } from './decide.ts';
import { type ApprovalLinks, readToken } from './link.ts';

type Scope = { db: Db; links: ApprovalLinks; engine: Pick<Engine, 'nudge'> };

/** The approval that a link is for, with its team; undefined when the token is none, or its approval does not exist (yet). */
export async function approvalByLink(
  { db, links }: Pick<Scope, 'db' | 'links'>,
  token: string,
): Promise<{ approval: Approval; teamId: string } | undefined> {
  const read = readToken(links, token);
  if (!read) return undefined;
  const all = await approvalsOfExecution(db, read.executionId);
  return all.find(({ approval }) => read.isFor(approval.path));
}

/**
 * Decides an approval for whoever has its link.
 *
 * @param scope.from from where, for the audit log.
 * @returns it; undefined when the link is for none.
 * @throws Refusal `already_decided`, `approval_closed`, and `invalid_input` for fields that are not as asked for.
 */
export async function decideByLink(
  scope: Scope & { from: From },
  token: string,
  { approved, fields }: { approved: boolean; fields: FieldValues },
): Promise<Approval | undefined> {
  const found = await approvalByLink(scope, token);
  if (!found) return undefined;
  const { approval, teamId } = found;
  const decided = await inTransaction(scope.db, async (db) => {
    const made = await decide({ db, teamId }, approval.id, { approved, fields, by: null });
    const by = { kind: 'link', teamId, userId: null, sessionId: null };
    const resource = { type: 'approval', id: approval.id };
    await record(db, { action: 'approvals.decide', by, from: scope.from, resource });
    return made;
  });
  scope.engine.nudge([decided.executionId]);
  return decided;
}
