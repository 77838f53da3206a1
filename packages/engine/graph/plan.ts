import type { Journal, StepRecord } from '../journal/journal.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';

/** What can happen next. Nothing to run and nothing to skip means that the graph waits or is at its end. */
export type Plan = { run: GraphNode[]; skip: GraphNode[] };

type Edge = 'open' | 'taken' | 'passed by';

function stateOf({ port }: GraphEdge, source: StepRecord | undefined, isSkipped: boolean): Edge {
  if (isSkipped) return 'passed by';
  switch (source?.status) {
    case 'completed':
      return (source.port ?? 'out') === port ? 'taken' : 'passed by';
    case 'skipped':
      // A disabled node is passed over, not by.
      return source.port === 'any' ? 'taken' : 'passed by';
    case 'failed':
      // Without a port the failure ends the graph.
      if (source.port === undefined) return 'open';
      return source.port === port ? 'taken' : 'passed by';
    default:
      return 'open';
  }
}

/**
 * Decides what can run next. Pure: the same journal gives the same plan. A node runs when all edges into it are settled and
 * at least one was taken, with `join: any` as soon as one is taken, and is skipped when all are settled and none was.
 *
 * @param journal the graph's own steps by the ids of their nodes.
 */
export function plan(graph: Graph, journal: Journal): Plan {
  const run: GraphNode[] = [];
  const skip: GraphNode[] = [];
  const skipped = new Set<string>();
  for (const node of graph.nodes) {
    if (journal.has(node.id)) continue;
    let open = false;
    let taken = node.incoming.length === 0;
    for (const edge of node.incoming) {
      const state = stateOf(edge, journal.get(edge.from), skipped.has(edge.from));
      if (state === 'taken') taken = true;
      else if (state === 'open') open = true;
      if (open && !node.joinAny) break;
    }
    if (taken && (!open || node.joinAny)) run.push(node);
    else if (!open) {
      skip.push(node);
      skipped.add(node.id);
    }
  }
  return { run, skip };
}
