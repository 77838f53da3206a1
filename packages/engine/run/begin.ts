import { limits } from '@flowplane/contract/limits';
import { type ApprovalLink, withApprovalLinks } from '../approval-links.ts';
import type { Graph } from '../graph/graph.ts';
import type { Loaded } from '../journal/load.ts';
import type { HttpAnswer } from '../node-type.ts';
import type { Lease } from '../queue/lease.ts';
import { newFrame, noResults } from './frame.ts';
import { restoreFrame } from './restore-frame.ts';
import type { Run } from './run.ts';

/** Makes a lease ready to be driven: from the start, or from what the journal already holds. */
export function beginRun(
  lease: Lease,
  graph: Graph,
  more: {
    loaded: Loaded;
    onRespond: ((answer: HttpAnswer) => void) | undefined;
    approvalLink: ApprovalLink | undefined;
  },
): Run {
  const { loaded, onRespond, approvalLink } = more;
  const timeLimit = graph.timeoutSeconds ?? limits.defaultExecutionSeconds;
  const results = noResults();
  const about = {
    id: lease.id,
    workflowId: lease.workflowId,
    version: lease.version,
    trigger: lease.trigger,
    startedAt: lease.startedAt.toISOString(),
    request: lease.request,
  };
  const at = { executionId: lease.id, prefix: '', link: approvalLink };
  const scope = { input: lease.input, nodes: results, vars: {}, run: withApprovalLinks(about, graph, at) };
  const run: Run = {
    lease,
    root: newFrame('', { graph, results, scope, item: undefined }),
    ready: new Set(),
    loops: new Map(),
    waiting: new Map(),
    steps: new Map(),
    logs: [],
    pendingChars: 0,
    heldChars: 0,
    nextPosition: loaded.nextPosition,
    nextLogPosition: loaded.nextLogPosition,
    restored: loaded.restored,
    timeLimit,
    deadlineMs: performance.now() + timeLimit * 1_000 - lease.ageMs,
    signals: lease.signals,
    hasCalled: false,
    nextEvent: lease.events + 1,
    statusEvent: lease.sequence,
    attempts: new Map(),
    beating: new Map(),
    beatenIn: -1,
    beatTimer: undefined,
    progress: false,
    inFlight: new Set(),
    wake: () => {},
    lost: false,
    lastCommit: Promise.resolve(),
    commits: 0,
    onRespond,
    approvalLink,
  };
  restoreFrame(run, run.root);
  return run;
}
