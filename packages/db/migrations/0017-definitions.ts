import { type Kysely, sql } from 'kysely';

/** What finds the definitions that nothing names any more: those of versions, and of executions that are of no version. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table definitions add kept_at timestamptz not null default now()`.execute(db);
  await sql`create index workflow_versions_definition on workflow_versions (team_id, definition_hash)`.execute(db);
  // Executions of a version, which are most, pay nothing for it: their definition is the version's.
  await sql`
    create index executions_unpublished on executions (team_id, definition_hash) where version is null`.execute(db);
}
