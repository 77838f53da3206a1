import { storable } from '@flowplane/contract/text';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { type AuditDetails, noTeam } from '@flowplane/db/tables/audit-events';
import { sql } from 'kysely';
import type { Resource } from './resource.ts';

/** Who calls, as far as it is known; a context's principal is one. */
export type Caller = {
  /** How they are known; `none` for a call that needs no sign-in. */
  kind: string;
  teamId: string | null;
  userId: string | null;
  /** The session as the database knows it, not its public id. */
  sessionId: string | null;
  apiKey?: { id: string; prefix: string } | undefined;
};

/** From where a request came, and which; a context's request is one. */
export type From = { ip: string; userAgent: string | undefined; id?: string | undefined };

export type AuditEvent = {
  /** The procedure's name. */
  action: string;
  by: Caller;
  from: From;
  resource: Resource;
  /** The code of the refusal; what is not refused is done. */
  code?: string;
  details?: AuditDetails;
};

function bounded(value: string | null | undefined, most: number): string | null {
  return value === null || value === undefined ? null : storable(value.slice(0, most));
}

/**
 * Writes an event into the audit log: in the transaction of what was done, so that there is never one without the other. It has
 * no values of the input.
 */
export async function record(db: Db, { action, by, from, resource, code, details = {} }: AuditEvent): Promise<void> {
  await db
    .insertInto('audit_events')
    .values({
      id: newId(),
      team_id: by.teamId ?? noTeam,
      user_id: by.userId,
      email: sql<string>`(select email from users where id = ${by.userId}::uuid)`,
      principal: by.kind,
      api_key_id: by.apiKey?.id ?? null,
      api_key_prefix: by.apiKey?.prefix ?? null,
      session_id: sql<string>`(select public_id from sessions where id = ${by.sessionId})`,
      action,
      resource_type: resource.type,
      resource_id: bounded(resource.id, 200),
      outcome: code === undefined ? 'done' : 'refused',
      code: code ?? null,
      details: JSON.stringify(details),
      ip: bounded(from.ip, 64),
      user_agent: bounded(from.userAgent, 256),
      request_id: bounded(from.id, 128),
    })
    .execute();
}
