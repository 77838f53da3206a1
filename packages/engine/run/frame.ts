import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Scope } from '@flowplane/expressions/scope';
import type { Graph } from '../graph/graph.ts';
import type { Journal } from '../journal/journal.ts';
import type { Loop } from './loop.ts';

/** A graph while it is run: the workflow's own, or the body of a loop for one item. */
export type Frame = {
  /** What the paths of its steps begin with: nothing, or `orders[3].` */
  prefix: string;
  graph: Graph;
  /** Its steps by the ids of their nodes. */
  steps: Journal;
  scope: Scope;
  /** What `scope.nodes` shows: the results so far, and those around it. */
  results: { [nodeId: string]: Json | undefined };
  /** Steps under way or waiting. */
  open: number;
  /** Characters of JSON of its results, see `held-results.ts`. */
  heldChars: number;
  /** Why it ends without a result; what is still under way is then let settle. */
  failure: Failure | undefined;
  /** Aborts what is in flight. */
  controller: AbortController;
  /** The item that it runs for. */
  item: { loop: Loop; index: number; startedAt: Date } | undefined;
};

/** An object for results by node id: without a prototype, `constructor` and the like are absent until a node of that name has run. */
export function noResults(): { [nodeId: string]: Json | undefined } {
  return Object.create(null);
}

/** The results around a loop that its body can see; the body's own are added to them. */
export function visibleResults(around: Frame['results'], outer: string[] | undefined): Frame['results'] {
  const visible = noResults();
  for (const id of outer ?? Object.keys(around)) if (around[id] !== undefined) visible[id] = around[id];
  return visible;
}

/** A graph of which nothing has run. */
export function newFrame(prefix: string, given: Pick<Frame, 'graph' | 'results' | 'scope' | 'item'>): Frame {
  return {
    prefix,
    ...given,
    steps: new Map(),
    open: 0,
    heldChars: 0,
    failure: undefined,
    controller: new AbortController(),
  };
}

/** The results of a graph's end nodes by id; that of a single one as it is. */
export function resultOf({ graph, results }: Frame): Json {
  const shown: Record<string, Json> = {};
  for (const id of graph.ends) {
    const output = results[id];
    if (output !== undefined) shown[id] = output;
  }
  const [only] = Object.values(shown);
  return graph.ends.length === 1 ? (only ?? null) : shown;
}
