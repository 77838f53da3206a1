import type { Graph, GraphNode } from './graph.ts';
import type { Journal } from './journal.ts';

/** What can happen next. Nothing to run and nothing to skip means that the execution waits or is at its end. */
export type Plan = { run: GraphNode[]; skip: GraphNode[] };

/**
 * Decides what can run next. Pure: the same journal gives the same plan. A node runs when all edges into it are settled and
 * at least one was taken, and is skipped when all are settled and none was.
 */
export function plan(graph: Graph, journal: Journal): Plan {
  const run: GraphNode[] = [];
  const skip: GraphNode[] = [];
  const skipped = new Set<string>();
  for (const node of graph.nodes) {
    if (journal.has(node.id)) continue;
    let settled = true;
    let taken = node.incoming.length === 0;
    for (const { from, port } of node.incoming) {
      const source = journal.get(from);
      if (source?.status === 'completed') {
        if ((source.port ?? 'out') === port) taken = true;
      } else if (source?.status !== 'skipped' && !skipped.has(from)) {
        settled = false;
        break;
      }
    }
    if (!settled) continue;
    if (taken) run.push(node);
    else {
      skip.push(node);
      skipped.add(node.id);
    }
  }
  return { run, skip };
}
