import type { Approval, FieldValues } from '@flowplane/contract/approval';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import { decideApproval } from '@flowplane/engine/signal';
import { databaseNow } from '../schedules/database-now.ts';
import { getApproval } from './approvals.ts';
import { checkFields } from './fields.ts';

/** What is decided, and by which user; by nobody known when it comes by a link. */
export type Deciding = { approved: boolean; fields: FieldValues; by: string | null };

function checkOpen({ status }: Approval): void {
  if (status === 'approved' || status === 'rejected') {
    throw new Refusal('already_decided', `It was ${status} already; a decision is final.`);
  }
  if (status === 'expired') {
    throw new Refusal('approval_closed', 'The time for the decision is over.');
  }
  if (status === 'ended') {
    throw new Refusal('approval_closed', 'The execution has ended, so there is nothing to decide any more.');
  }
}

/**
 * Decides an approval, once. Its execution is to be nudged after the commit.
 *
 * @throws Refusal `not_found`, `already_decided`, `approval_closed`, and `invalid_input` for fields that are not as asked for.
 */
export async function decide(
  { db, teamId }: { db: Db; teamId: string },
  id: string,
  { approved, fields, by }: Deciding,
): Promise<Approval> {
  const scope = { db, teamId, links: undefined };
  const asked = await getApproval(scope, id);
  checkOpen(asked);
  const filled = checkFields(asked.fields, fields);
  const at = (await databaseNow(db)).toISOString();
  const resolution = { output: { approved, fields: filled, by, at }, port: approved ? 'approved' : 'rejected' };
  const { executionId, path } = asked;
  const decided = await inTransaction(db, (tx) => decideApproval(tx, { teamId, executionId, path, by, resolution }));
  const now = await getApproval(scope, id);
  if (!decided) checkOpen(now);
  return now;
}
