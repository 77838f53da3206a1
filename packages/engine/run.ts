import type { Failure, LogLevel, StepStatus } from '@flowplane/contract/execution';
import { isJson, type Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { storable } from '@flowplane/contract/text';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import type { Scope } from '@flowplane/expressions/scope';
import type { Commit, Committed } from './commit.ts';
import type { Graph, GraphNode } from './graph.ts';
import type { Journal, LogRecord, StepRecord } from './journal.ts';
import type { Lease } from './lease.ts';
import type { HttpAnswer } from './node-type.ts';

/** An execution while this process advances it. */
export type Run = {
  lease: Lease;
  graph: Graph;
  journal: Journal;
  scope: Scope;
  /** What `scope.nodes` shows: the outputs so far. */
  results: { [nodeId: string]: Json | undefined };
  /** Steps and log lines that are not committed yet; each step once, as one statement cannot write it twice. */
  steps: Map<string, StepRecord>;
  logs: LogRecord[];
  /** Characters of JSON among them. */
  pendingChars: number;
  nextPosition: number;
  nextLogPosition: number;
  /** Attempts of steps that another worker had under way when it died. */
  attempts: Map<string, { attempt: number; position: number }>;
  progress: boolean;
  failure: Failure | undefined;
  /** Steps under way. */
  inFlight: Set<string>;
  /** Called when a step in flight settles. */
  wake: () => void;
  /** Aborts what is in flight: cancelled, failed elsewhere, lease lost. */
  controller: AbortController;
  /** Set when another worker or a cancellation has taken the execution away. */
  lost: boolean;
  /** The commit under way, if any; commits of one run follow each other. */
  lastCommit: Promise<unknown>;
  /** Commits under way or queued: each renews the lease itself. */
  commits: number;
  onRespond: ((answer: HttpAnswer) => void) | undefined;
};

/** What advancing a run needs from the engine. */
export type RunDeps = {
  sandbox: Sandbox;
  commit: (commit: Commit) => Promise<Committed>;
  /** Told of failures that are ours, not the author's. */
  onError: (error: unknown, where: string) => void;
  /** True once the process drains: no new step starts. */
  draining: () => boolean;
};

/** Stops a run whose execution somebody else has, or that was cancelled; nothing of it is written any more. */
export function lose(run: Run): void {
  run.lost = true;
  run.controller.abort();
  run.wake();
}

/**
 * Commits whatever has happened since the last commit. Commits of one run follow each other, so that no two statements lock
 * the same rows in different orders.
 *
 * @returns undefined when the execution is no longer ours; the run is then lost.
 * @throws when the database cannot be reached; the run is then lost too.
 */
export async function commitRun(
  run: Run,
  deps: RunDeps,
  rest: Pick<Commit, 'status' | 'outputText' | 'error'>,
): Promise<Committed> {
  run.commits += 1;
  const turn = run.lastCommit;
  const send = async () => {
    if (run.commits > 1) await turn;
    if (run.lost) return undefined;
    const { steps, logs, progress, lease } = run;
    run.steps = new Map();
    run.logs = [];
    run.pendingChars = 0;
    run.progress = false;
    const committed = await deps.commit({
      id: lease.id,
      fence: lease.fence,
      steps: [...steps.values()],
      logs,
      progress,
      ...rest,
    });
    // The texts are in the database now, and writing a step again leaves them there.
    for (const step of steps.values()) {
      step.inputText = undefined;
      step.outputText = undefined;
    }
    return committed;
  };
  const sent = send();
  run.lastCommit = sent.catch(() => undefined);
  try {
    const committed = await sent;
    if (!committed) lose(run);
    return committed;
  } catch (error) {
    lose(run);
    throw error;
  } finally {
    run.commits -= 1;
  }
}

/** Commits what has happened so far and keeps the lease. @returns false when the execution is no longer ours. */
export async function flush(run: Run, deps: RunDeps): Promise<boolean> {
  try {
    return (await commitRun(run, deps, { status: 'running', outputText: undefined, error: undefined })) !== undefined;
  } catch (error) {
    deps.onError(error, `commit of execution ${run.lease.id}`);
    return false;
  }
}

/** A node's step before anything of it has happened; it keeps its place where another worker had begun it. */
export function newStep(run: Run, node: GraphNode, status: StepStatus): StepRecord {
  const before = run.attempts.get(node.id);
  return {
    path: node.id,
    position: before?.position ?? run.nextPosition++,
    nodeId: node.id,
    type: node.type.type,
    status,
    attempt: before?.attempt ?? 0,
    port: undefined,
    inputText: undefined,
    output: undefined,
    outputText: undefined,
    error: undefined,
    wait: undefined,
    wakeAtMs: undefined,
    startedAt: undefined,
    finishedAt: undefined,
  };
}

/** Notes a step's state, to be written with the next commit. */
export function note(run: Run, step: StepRecord): void {
  run.journal.set(step.path, step);
  run.steps.set(step.path, step);
  run.pendingChars += (step.inputText?.length ?? 0) + (step.outputText?.length ?? 0);
}

/**
 * Adds a log line; past `most` lines are dropped, with one line that says so. Logs never fail a run: what cannot be stored is
 * replaced in the message and left out of the data.
 */
export function addLog(
  run: Run,
  most: number,
  line: { path: string; level: LogLevel; message: string; data: Json },
): void {
  const position = run.nextLogPosition;
  if (position > most) return;
  run.nextLogPosition += 1;
  const last = position === most;
  const dataText = !last && isJson(line.data) ? JSON.stringify(line.data) : 'null';
  run.pendingChars += line.message.length + dataText.length;
  run.logs.push({
    position,
    path: line.path,
    level: last ? 'warn' : line.level,
    message: last
      ? `Further lines were dropped: an execution may log ${most}.`
      : storable(line.message.slice(0, limits.logMessage)),
    dataText,
    at: new Date(),
  });
}
