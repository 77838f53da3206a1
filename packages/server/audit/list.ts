import type { AuditEvent, auditListInput } from '@flowplane/contract/audit';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Db, Tables } from '@flowplane/db/database';
import { type Expression, type ExpressionBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import type { z } from 'zod';
import { addressPrefix } from '../auth/address.ts';
import { apartMs, idAt, storableTime } from '../id-time.ts';

type Filter = Omit<z.output<typeof auditListInput>, 'limit' | 'cursor'>;

/** When it happened, so that the index by which old events are found does not serve: it has all teams, in another order than the list. */
const happened = sql<Date>`created_at + interval '0'`;

/** Each condition has an index in the order of the list, or narrows the part of one that is read. */
function matching({ action, resourceType, resourceId, userId, outcome, from, to }: Filter) {
  return (where: ExpressionBuilder<Tables, 'audit_events'>): Expression<SqlBool> => {
    const conditions: Expression<SqlBool>[] = [];
    if (action) conditions.push(where('action', '=', action));
    if (resourceType) conditions.push(where('resource_type', '=', resourceType));
    if (resourceId) conditions.push(where('resource_id', '=', resourceId));
    if (userId) conditions.push(where('user_id', '=', userId));
    // Written out, as a parameter would not let PostgreSQL see that the index over the refused ones will do.
    if (outcome) conditions.push(sql<SqlBool>`outcome = ${sql.lit(outcome)}`);
    if (from) conditions.push(where('id', '>=', idAt(from, -apartMs)), where(happened, '>=', storableTime(from)));
    if (to) conditions.push(where('id', '<', idAt(to, apartMs)), where(happened, '<', storableTime(to)));
    return where.and(conditions);
  };
}

function shown(row: Selectable<Tables['audit_events']>): AuditEvent {
  return {
    id: row.id,
    createdAt: row.created_at,
    action: row.action,
    outcome: row.outcome,
    code: row.code,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    userId: row.user_id,
    email: row.email,
    principal: row.principal,
    apiKeyId: row.api_key_id,
    apiKeyPrefix: row.api_key_prefix,
    sessionId: row.session_id,
    details: row.details,
    address: addressPrefix(row.ip),
    userAgent: row.user_agent,
    requestId: row.request_id,
  };
}

/** The statement of a page of the team's events; one more than is shown tells whether there is another page. */
export function auditQuery(
  { db, teamId }: { db: Db; teamId: string },
  { limit, cursor, ...filter }: z.output<typeof auditListInput>,
) {
  const query = db
    .selectFrom('audit_events')
    .selectAll()
    .where('team_id', '=', teamId)
    .where(matching(filter))
    .orderBy('id', 'desc')
    .limit(limit + 1);
  return cursor ? query.where('id', '<', idOfCursor(cursor)) : query;
}

/** A page of what happened in the team, newest first, narrowed by what is named. */
export async function listAudit(
  scope: { db: Db; teamId: string },
  input: z.output<typeof auditListInput>,
): Promise<{ items: AuditEvent[]; nextCursor: string | null }> {
  const { limit } = input;
  const rows = await auditQuery(scope, input).execute();
  const items = rows.slice(0, limit).map(shown);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}
