import { randomUUID } from 'node:crypto';
import type { Bench, DefinitionInput } from './engine.ts';

/** A workflow whose published version is this, for others to call. @returns its id. */
export async function publish(bench: Bench, definition: DefinitionInput): Promise<string> {
  const { definitionHash, teamId } = await bench.request(definition);
  const id = randomUUID();
  const { pool } = bench.database;
  await pool.query(
    `insert into workflows (id, team_id, name, description, definition, published_version) values ($1, $2, 'child', '', '{}', 1)`,
    [id, teamId],
  );
  await pool.query(
    'insert into workflow_versions (workflow_id, version, team_id, definition_hash) values ($1, 1, $2, $3)',
    [id, teamId, definitionHash],
  );
  return id;
}
