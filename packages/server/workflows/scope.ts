import type { Context, Principal } from '../context.ts';

/** What the functions of workflows need of a call. */
export function scope({ database, engine, webhooks, vault, principal }: Context & { principal: Principal }) {
  const { teamId, userId } = principal;
  return { db: database.db, teamId, userId, engine, webhooks, vault, nodeTypes: engine.nodeTypes };
}
