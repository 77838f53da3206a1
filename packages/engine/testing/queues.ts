import type { Json } from '@flowplane/contract/json';
import type { StartRequest } from '../engine.ts';
import type { Bench, DefinitionInput } from './engine.ts';
import { insertTeam } from './team.ts';

/** A team beside the bench's own. */
export type TestTeam = {
  teamId: string;
  request(definition: DefinitionInput, input?: Json): Promise<StartRequest>;
  /** Stores many executions that are due, in its queue or as waits that are over, without starting each. */
  queue(count: number, request?: StartRequest, status?: 'pending' | 'waiting'): Promise<void>;
};

export async function createTeam({ database: { pool } }: Bench, name: string): Promise<TestTeam> {
  const { teamId, workflowId, request } = await insertTeam(pool, name);

  return {
    teamId,
    request,
    async queue(count, given, status = 'pending') {
      const { definitionHash, input } = given ?? { definitionHash: 'none', input: null };
      await pool.query(
        `insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, due_at, queue_rank)
         select gen_random_uuid(), $1, $2, 1, $3, $4, 'api', $5, now() - interval '1 hour',
           case when $4 = 'pending' then 5 end
         from generate_series(1, $6)`,
        [teamId, workflowId, definitionHash, status, JSON.stringify(input), count],
      );
    },
  };
}
