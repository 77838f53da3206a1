import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from './embedded.ts';
import { migrate } from './migrate.ts';
import { administer, databaseUrl, templateName } from './testing.ts';

/**
 * vitest's globalSetup: one PostgreSQL for the whole run of a package, with the migrated template that `testDatabase()` copies.
 * Its data is gone when the run ends, also when the run is interrupted or killed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'flowplane-test-'));
  const embedded = await startEmbedded({ dataDir, fast: true, temporary: true });
  const adminUrl = databaseUrl(embedded.url, 'postgres');
  await administer(adminUrl, `create database ${templateName}`);
  await migrate(databaseUrl(adminUrl, templateName));
  project.provide('adminUrl', adminUrl);
  return embedded.stop;
}
