import { Migrator } from 'kysely/migration';
import { openDatabase } from './database.ts';
import { migrations } from './migrations/list.ts';

/**
 * Brings the database at `url` to the newest schema. Safe to run from several processes at once: one migrates, the others
 * wait for it. A database that a newer release has migrated is refused.
 *
 * @returns the names of the migrations that ran.
 * @throws the error of the first migration that failed; everything of this call is rolled back.
 */
export async function migrate(url: string): Promise<string[]> {
  const { db, close } = openDatabase(url, { max: 1 });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    const { error, results } = await migrator.migrateToLatest();
    if (error) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await close();
  }
}
