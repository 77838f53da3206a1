import type { Engine } from '@flowplane/engine/engine';
import { requireWorkflow, type Scope } from './workflows.ts';

/** Cancels a workflow's executions that are under way. @throws Refusal `not_found`. */
export async function stopWorkflow(
  { db, teamId, engine }: Pick<Scope, 'db' | 'teamId'> & { engine: Engine },
  id: string,
): Promise<{ cancelled: number }> {
  await requireWorkflow({ db, teamId }, id);
  return { cancelled: await engine.stop(teamId, id) };
}
