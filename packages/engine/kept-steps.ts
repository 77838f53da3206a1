import type { Definition } from '@flowplane/contract/definition';
import type { StepStatus } from '@flowplane/contract/execution';

/** A step of a workflow's own graph, as the journal of an execution that is over has it. */
export type PastStep = { nodeId: string; type: string; status: StepStatus; port: string | null };

function isResult({ status, port }: PastStep): boolean {
  return status === 'completed' || (status === 'failed' && port !== null);
}

/**
 * Which steps of an execution a restart keeps: those with a result whose node the graph still has, of the same type, and that
 * come neither after `from` nor after a node that runs (again). What was skipped is decided anew. A loop is kept whole or not at
 * all, as only its own node is looked at.
 *
 * @param from the node that runs again whatever came of it; undefined to run only what has no result.
 * @returns the ids of the nodes.
 */
export function keptNodes(
  { nodes, edges }: Pick<Definition, 'nodes' | 'edges'>,
  past: readonly PastStep[],
  from: string | undefined,
): Set<string> {
  const before = new Map(past.map((step) => [step.nodeId, step]));
  const runs = new Set<string>();
  for (const { id, type } of nodes) {
    const step = before.get(id);
    if (step?.status === 'skipped' && id !== from) continue;
    if (id === from || !step || step.type !== type || !isResult(step)) runs.add(id);
  }
  const followers = Map.groupBy(edges, (edge) => edge.from);
  for (const id of runs) for (const { to } of followers.get(id) ?? []) runs.add(to);
  return new Set(nodes.flatMap(({ id }) => (!runs.has(id) && before.get(id)?.status !== 'skipped' ? [id] : [])));
}
