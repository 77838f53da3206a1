import type { Json } from '@flowplane/contract/json';
import type { Graph } from './graph.ts';
import type { Lease } from './lease.ts';
import type { Loaded } from './load.ts';
import type { HttpAnswer } from './node-type.ts';
import type { Run } from './run.ts';

/** Makes a lease ready to be driven: from the start, or from what the journal already holds. */
export function beginRun(
  lease: Lease,
  graph: Graph,
  more: { loaded: Loaded | undefined; onRespond: ((answer: HttpAnswer) => void) | undefined },
): Run {
  const loaded = more.loaded ?? { journal: new Map(), attempts: new Map(), nextPosition: 0, nextLogPosition: 0 };
  // Node ids are the author's: without a prototype, `constructor` and the like are absent until a node of that name has run.
  const results: { [nodeId: string]: Json | undefined } = Object.create(null);
  for (const step of loaded.journal.values()) if (step.status === 'completed') results[step.nodeId] = step.output;
  return {
    lease,
    graph,
    journal: loaded.journal,
    results,
    scope: {
      input: lease.input,
      nodes: results,
      vars: {},
      run: {
        id: lease.id,
        workflowId: lease.workflowId,
        version: lease.version,
        trigger: lease.trigger,
        startedAt: lease.startedAt.toISOString(),
      },
    },
    steps: new Map(),
    logs: [],
    pendingChars: 0,
    nextPosition: loaded.nextPosition,
    nextLogPosition: loaded.nextLogPosition,
    attempts: loaded.attempts,
    progress: false,
    failure: undefined,
    inFlight: new Set(),
    wake: () => {},
    controller: new AbortController(),
    lost: false,
    lastCommit: Promise.resolve(),
    commits: 0,
    onRespond: more.onRespond,
  };
}
