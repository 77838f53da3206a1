import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { openPool } from './pool.ts';
import { prepareRepeated } from './prepared.ts';
import type { ApiKeysTable } from './tables/api-keys.ts';
import type { AuditEventsTable } from './tables/audit-events.ts';
import type { CredentialsTable, SecretRemovalsTable } from './tables/credentials.ts';
import type { EventStartsTable, EventsTable, EventTriggersTable } from './tables/events.ts';
import type { ExecutionsTable, LogsTable, StepsTable } from './tables/executions.ts';
import type { GuestsTable } from './tables/guests.ts';
import type { IdempotencyKeysTable } from './tables/idempotency-keys.ts';
import type { IdentitiesTable, IdentityFlowsTable } from './tables/identities.ts';
import type { OneTimeTokensTable } from './tables/one-time-tokens.ts';
import type { SchedulesTable } from './tables/schedules.ts';
import type { RefreshTokensTable, SessionsTable } from './tables/sessions.ts';
import type { SigningKeysTable } from './tables/signing-keys.ts';
import type {
  FormerSlugsTable,
  MembershipsTable,
  TeamInvitationsTable,
  TeamRolesTable,
  TeamsTable,
} from './tables/teams.ts';
import type { UsersTable } from './tables/users.ts';
import type { WaitsTable } from './tables/waits.ts';
import type { WebhookMessagesTable, WebhooksTable } from './tables/webhooks.ts';
import type { DefinitionsTable, WorkflowsTable, WorkflowVersionsTable } from './tables/workflows.ts';

export type Tables = {
  api_keys: ApiKeysTable;
  audit_events: AuditEventsTable;
  credentials: CredentialsTable;
  definitions: DefinitionsTable;
  event_starts: EventStartsTable;
  event_triggers: EventTriggersTable;
  events: EventsTable;
  executions: ExecutionsTable;
  waits: WaitsTable;
  former_slugs: FormerSlugsTable;
  guests: GuestsTable;
  idempotency_keys: IdempotencyKeysTable;
  identities: IdentitiesTable;
  identity_flows: IdentityFlowsTable;
  logs: LogsTable;
  memberships: MembershipsTable;
  one_time_tokens: OneTimeTokensTable;
  refresh_tokens: RefreshTokensTable;
  secret_removals: SecretRemovalsTable;
  schedules: SchedulesTable;
  sessions: SessionsTable;
  signing_keys: SigningKeysTable;
  steps: StepsTable;
  team_invitations: TeamInvitationsTable;
  team_roles: TeamRolesTable;
  teams: TeamsTable;
  users: UsersTable;
  webhook_messages: WebhookMessagesTable;
  webhooks: WebhooksTable;
  workflow_versions: WorkflowVersionsTable;
  workflows: WorkflowsTable;
};

/** The query builder. Functions with SQL take this, or a transaction of it. */
export type Db = Kysely<Tables>;

/** `db` for everything; `pool` for the few hot statements that are written and named by hand. Both share connections. */
export type Database = { db: Db; pool: pg.Pool; close(): Promise<void> };

/**
 * Opens a pool. Nothing is connected until the first query.
 *
 * @param options.max connections at most.
 * @param options.pointQueries for statements that find their rows by key. Plans of prepared statements are kept, and one made
 * while a table was small would scan it whole long after it has grown, or sort all that is due for the first of it; these connections never prefer that.
 * @param options.onError told of errors on idle connections, e.g. when PostgreSQL restarts; the pool heals by itself.
 */
export function openDatabase(
  url: string,
  options: { max?: number; pointQueries?: boolean; onError?: (error: Error) => void } = {},
): Database {
  const { pool, close } = openPool(url, {
    max: options.max ?? 10,
    options: options.pointQueries
      ? '-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off'
      : undefined,
    onError: options.onError,
  });
  pool.on('connect', prepareRepeated);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    pool,
    async close() {
      // Not the other way round: the builder's own end closes the pool, but only if it was used.
      await db.destroy();
      await close();
    },
  };
}
