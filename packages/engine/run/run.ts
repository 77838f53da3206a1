import type { LogLevel, StepStatus } from '@flowplane/contract/execution';
import { isJson, type Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { storable } from '@flowplane/contract/text';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import type { ApprovalLink } from '../approval-links.ts';
import type { RunCredentials } from '../credentials.ts';
import { isFinal } from '../execution.ts';
import type { AtFaultPoint } from '../fault-points.ts';
import type { GraphNode } from '../graph/graph.ts';
import type { Commit, Committed } from '../journal/commit.ts';
import type { Attempt, LogRecord, StepRecord } from '../journal/journal.ts';
import type { Restored } from '../journal/load.ts';
import type { CallRequest, HttpAnswer } from '../node-type.ts';
import type { Lease } from '../queue/lease.ts';
import type { Frame } from './frame.ts';
import type { Loop } from './loop.ts';

/** A step with the node that it runs and the graph that the node is of. */
export type Work = { frame: Frame; node: GraphNode; step: StepRecord };

/** An execution while this process advances it. */
export type Run = {
  lease: Lease;
  /** The workflow's own graph. */
  root: Frame;
  /** Graphs whose plan may have changed. */
  ready: Set<Frame>;
  /** Loops under way, by path. */
  loops: Map<string, Loop>;
  /** Steps that wait: for a time, or for their next attempt. */
  waiting: Map<string, Work>;
  /** Steps and log lines that are not committed yet; each step once, as one statement cannot write it twice. */
  steps: Map<string, StepRecord>;
  logs: LogRecord[];
  /** Characters of JSON among them. */
  pendingChars: number;
  /** Characters of JSON of all results that it holds. */
  heldChars: number;
  nextPosition: number;
  nextLogPosition: number;
  /** What an earlier lease has left in the journal, until the graphs that it is of are opened. */
  restored: Restored;
  /** When the execution has taken as long as it may, on this process's monotonic clock; and that time in seconds. */
  deadlineMs: number;
  timeLimit: number;
  /** Whether a step of it has started other executions. */
  hasCalled: boolean;
  /** The signals that the waits of this run know of. */
  signals: number;
  /** The number of the next event. */
  nextEvent: number;
  /** The number of the status that the execution is in. */
  statusEvent: number;
  /** What there is of steps that are to run again, by path: they failed, or their worker died. */
  attempts: Map<string, Attempt>;
  /** Steps under way that have said how far they are since that was last noted, by path. */
  beating: Map<string, StepRecord>;
  /** The second, on this process's monotonic clock, in which it was last noted; and what writes it where no commit comes. */
  beatenIn: number;
  beatTimer: NodeJS.Timeout | undefined;
  progress: boolean;
  /** Paths of what is under way in this process. */
  inFlight: Set<string>;
  /** Called when something in flight settles. */
  wake: () => void;
  /** Set when the lease is over, or another worker or a cancellation has taken the execution away. */
  lost: boolean;
  /** The commit under way, if any; commits of one run follow each other. */
  lastCommit: Promise<unknown>;
  /** Commits under way or queued: each renews the lease itself. */
  commits: number;
  onRespond: ((answer: HttpAnswer) => void) | undefined;
  approvalLink: ApprovalLink | undefined;
};

/** What advancing a run needs from the engine. */
export type RunDeps = {
  sandbox: Sandbox;
  commit: (commit: Commit) => Promise<Committed>;
  /** Told of failures that are ours, not the author's. */
  onError: (error: unknown, where: string) => void;
  /** Starts an execution for a step, see {@link NodeContext.call}. */
  call: (lease: Lease, step: StepRecord, request: CallRequest) => Promise<string>;
  /** Those that the graph names; undefined where it names none. */
  credentials: RunCredentials | undefined;
  /** Given by tests of faults only. */
  atFaultPoint?: AtFaultPoint | undefined;
  /** True once the process drains: no new step starts. */
  draining: () => boolean;
};

/** Every graph that is being run. */
export function framesOf({ root, loops }: Run): Frame[] {
  return [root, ...[...loops.values()].flatMap((loop) => [...loop.live.values()])];
}

/** Stops a run whose execution somebody else has, or that was cancelled; nothing of it is written any more. */
export function lose(run: Run): void {
  run.lost = true;
  for (const frame of framesOf(run)) frame.controller.abort();
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
    if (deps.atFaultPoint) await deps.atFaultPoint('committing', run.lease);
    if (run.lost) return undefined;
    const leaseEnds = rest.status !== 'running';
    if (leaseEnds || isProgressDue(run)) noteProgress(run);
    else if (run.beating.size > 0) writeProgressSoon(run, deps);
    const { steps, logs, progress, lease } = run;
    run.steps = new Map();
    run.logs = [];
    run.pendingChars = 0;
    run.progress = false;
    if (leaseEnds) run.statusEvent = run.nextEvent++;
    // `done` has the number after a final status.
    if (isFinal(rest.status)) run.nextEvent += 1;
    // As they are now: what changes a step later has a number of a later commit.
    const sent = Array.from(steps.values(), (step) => ({ ...step }));
    const committed = await deps.commit({
      id: lease.id,
      fence: lease.fence,
      workflowId: lease.workflowId,
      timeLimit: run.timeLimit,
      signals: run.signals,
      parentId: lease.parentId,
      steps: sent,
      logs,
      progress,
      events: run.nextEvent - 1,
      sequence: run.statusEvent,
      ...rest,
    });
    if (deps.atFaultPoint) await deps.atFaultPoint('committed', lease);
    // A step that ignored its signal may still be under way, and must not write into what is over.
    if (leaseEnds) run.lost = true;
    // The texts are in the database now, and writing a step again leaves them there. What a step has come to meanwhile is not.
    for (const { path, inputText, outputText } of sent) {
      const step = steps.get(path);
      if (!step) continue;
      if (step.inputText === inputText) step.inputText = undefined;
      if (step.outputText === outputText) step.outputText = undefined;
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

/** A node's step before anything of it has happened; it keeps its place where an earlier attempt had begun it. */
export function newStep(run: Run, { frame, node }: { frame: Frame; node: GraphNode }, status: StepStatus): StepRecord {
  const path = frame.prefix + node.id;
  const before = run.attempts.get(path);
  return {
    path,
    position: before?.position ?? run.nextPosition++,
    nodeId: node.id,
    type: node.type.type,
    status,
    attempt: before?.attempt ?? 0,
    port: undefined,
    inputText: undefined,
    output: undefined,
    outputText: undefined,
    progressText: before?.progressText,
    error: undefined,
    wait: undefined,
    suspension: undefined,
    resolution: undefined,
    wakeAtMs: undefined,
    startedAt: before?.startedAt,
    finishedAt: undefined,
    sequence: 0,
  };
}

/** Notes a step's state, to be written with the next commit. */
export function note(run: Run, step: StepRecord): void {
  step.sequence = run.nextEvent++;
  run.steps.set(step.path, step);
  run.beating.delete(step.path);
  run.pendingChars += (step.inputText?.length ?? 0) + (step.outputText?.length ?? 0);
}

function currentSecond(): number {
  return Math.floor(performance.now() / 1_000);
}

/** Whether there is progress to note: however often steps tell it, once a second is enough for who looks. */
function isProgressDue({ beating, beatenIn }: Run): boolean {
  return beating.size > 0 && beatenIn !== currentSecond();
}

function noteProgress(run: Run): void {
  run.beatenIn = currentSecond();
  for (const step of run.beating.values()) note(run, step);
}

/**
 * Sees to it that progress is written although no commit takes it along: when the next second begins, which is the same moment for
 * all executions of the process, so that one statement writes that of many.
 */
export function writeProgressSoon(run: Run, deps: RunDeps): void {
  run.beatTimer ??= setTimeout(
    () => {
      run.beatTimer = undefined;
      if (run.lost || run.beating.size === 0) return;
      if (isProgressDue(run)) void flush(run, deps);
      else writeProgressSoon(run, deps);
    },
    1_001 - (performance.now() % 1_000),
  );
}

/** Characters of JSON and steps that a run may hold uncommitted: a thousand steps of 1 MB each would not fit into memory. */
const mostChars = 4_194_304;
const mostSteps = 2_000;

/** Whether so much has happened that it is to be committed before more does. */
export function isHeavy({ pendingChars, steps }: Run): boolean {
  return pendingChars > mostChars || steps.size > mostSteps;
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
    sequence: run.nextEvent++,
  });
}
