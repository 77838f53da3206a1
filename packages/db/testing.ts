import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The database `postgres` of the embedded cluster that `testing-setup.ts` started for this run. */
    adminUrl: string;
  }
}

/** The migrated, empty database that every test database is a copy of. */
export const templateName = 'template_flowplane';

/** `adminUrl` with another database. */
export function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** One statement on the cluster itself, e.g. `create database`. */
export async function administer(adminUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/**
 * A migrated, empty database of the caller's own, dropped on disposal even if connections to it are still open:
 * `await using database = await testDatabase()`. Needs `@flowplane/db/testing-setup` as vitest's globalSetup.
 */
export async function testDatabase(): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const adminUrl = inject('adminUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(adminUrl, `create database ${name} template ${templateName}`);
  return {
    url: databaseUrl(adminUrl, name),
    [Symbol.asyncDispose]: () => administer(adminUrl, `drop database if exists ${name} with (force)`),
  };
}
