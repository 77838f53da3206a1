import { type Kysely, sql } from 'kysely';

/** How far steps under way have come. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table steps add progress json`.execute(db);
}
