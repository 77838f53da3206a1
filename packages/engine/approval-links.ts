import type { Json } from '@flowplane/contract/json';
import type { Graph } from './graph/graph.ts';

/** The address on which whoever has it decides the approval of a step, also before the step has begun. */
export type ApprovalLink = (step: { executionId: string; path: string }) => string;

/**
 * What expressions see as `run`, with the addresses of a graph's approvals by the ids of their nodes: for a step beside the
 * approval that sends them to somebody.
 *
 * @param at.prefix what the paths of the graph's steps begin with.
 */
export function withApprovalLinks(
  run: { [key: string]: Json },
  graph: Graph,
  at: { executionId: string; prefix: string; link: ApprovalLink | undefined },
): { [key: string]: Json } {
  const { executionId, prefix, link } = at;
  const asking = link ? graph.nodes.filter(({ type }) => type.asks) : [];
  if (!link || asking.length === 0) return run;
  const around = Object(run.approvalLinks);
  const own = asking.map(({ id }) => [id, link({ executionId, path: prefix + id })]);
  return { ...run, approvalLinks: { ...around, ...Object.fromEntries(own) } };
}
