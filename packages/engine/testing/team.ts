import { randomUUID } from 'node:crypto';
import { definition as definitionSchema } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { StartRequest } from '../engine.ts';
import type { DefinitionInput } from './engine.ts';

/** A team with one workflow, and what starts executions of it. */
export async function insertTeam(pool: Database['pool'], name: string) {
  const teamId = newId();
  const workflowId = newId();
  await pool.query('insert into teams (id, name, slug) values ($1, $2, $2)', [teamId, name]);
  await pool.query(
    `insert into workflows (id, team_id, name, description, definition) values ($1, $2, 'w', '', '{}')`,
    [workflowId, teamId],
  );

  /** Keeps a definition. @returns what `start` needs to run it. */
  async function request(input: DefinitionInput, value: Json = null): Promise<StartRequest> {
    const hash = randomUUID();
    const body = JSON.stringify(definitionSchema.parse(input));
    await pool.query('insert into definitions (team_id, hash, body) values ($1, $2, $3)', [teamId, hash, body]);
    return { teamId, workflowId, version: 1, definitionHash: hash, trigger: 'api', input: value };
  }

  return { teamId, workflowId, request };
}
