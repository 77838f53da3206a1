import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { storable } from '@flowplane/contract/text';
import { ExpressionError } from '@flowplane/expressions/errors';
import { evaluate } from '@flowplane/expressions/evaluate';
import { errorWithoutSecrets, withoutSecrets } from '../credentials.ts';
import { plan } from '../graph/plan.ts';
import { NodeError } from '../node-error.ts';
import { failFrame } from './fail-frame.ts';
import { closeStep, endFailed, finish } from './finish.ts';
import { type Frame, resultOf } from './frame.ts';
import { holdResult } from './held-results.ts';
import { commitRun, flush, framesOf, isHeavy, note, type Run, type RunDeps, type Work } from './run.ts';
import { endItem } from './run-loop.ts';
import { retryOrEnd, runStep, skipStep } from './step.ts';
import { textOf } from './value-text.ts';

/** How a lease ended. */
export type Driven =
  | { end: 'completed'; output: Json; finishedAt: Date }
  | { end: 'failed'; error: Failure; finishedAt: Date }
  | { end: 'waiting'; dueAt: Date }
  | { end: 'handed-back' }
  | { end: 'lost' };

/** How long a run with much to do keeps others of this process waiting. */
const sliceMs = 20;

/** How long a step that ignores its abort signal may hold up the end of a failed execution. */
const stubbornMs = 5_000;

/** Waits until a step settles or the run is lost, for `timeoutMs` at most. */
function nextChange(run: Run, timeoutMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(resolve, Math.min(Math.max(timeoutMs, 0), 2 ** 31 - 1));
    run.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** A step goes on with what it has waited for, or fails because that did not come in time. */
function resume(run: Run, work: Work, { credentials }: RunDeps): void {
  const { step } = work;
  const tooLate = { code: 'wait_timeout', message: 'What the node waited for did not come in time.' };
  const { resolution = { error: tooLate } } = step;
  if ('error' in resolution) {
    retryOrEnd(run, work, { failure: { nodeId: step.nodeId, ...resolution.error } });
    finish(run, work);
    return;
  }
  const output = withoutSecrets(resolution.output, credentials);
  const text = JSON.stringify(output);
  const tooMuch = holdResult(run, work.frame, text.length);
  if (tooMuch) endFailed(run, work, { nodeId: step.nodeId, ...tooMuch });
  else {
    step.status = 'completed';
    step.output = output;
    step.outputText = text;
    step.port = resolution.port;
    step.finishedAt = new Date();
  }
  finish(run, work);
}

/** Completes the steps whose wait is over, and lets those run again that waited for that. @returns the milliseconds until the next. */
function wakeSteps(run: Run, deps: RunDeps): number | undefined {
  const now = performance.now();
  let next: number | undefined;
  for (const [path, work] of run.waiting) {
    const { frame, step } = work;
    // What waits for something else than a time has none, unless it is given one.
    const left = (step.wakeAtMs ?? Number.POSITIVE_INFINITY) - now;
    if (left > 0 && !step.resolution) {
      next = Math.min(next ?? left, left);
      continue;
    }
    run.waiting.delete(path);
    if (step.suspension) {
      resume(run, work, deps);
      continue;
    }
    if (step.error) {
      run.attempts.set(path, step);
      frame.steps.delete(step.nodeId);
      frame.open -= 1;
      run.ready.add(frame);
      continue;
    }
    step.status = 'completed';
    step.finishedAt = new Date();
    run.progress = true;
    note(run, step);
    closeStep(run, work);
  }
  return next;
}

/** Runs what can run of a graph now. @returns false when steps are left because the process drains. */
function advance(run: Run, frame: Frame, deps: RunDeps): boolean {
  if (frame.failure) {
    if (frame.open === 0) endItem(run, frame, deps);
    return true;
  }
  const next = plan(frame.graph, frame.steps);
  for (const node of next.skip) skipStep(run, { frame, node });
  for (const node of next.run) {
    if (frame.failure || run.lost) return true;
    if (node.settings.disabled) {
      skipStep(run, { frame, node }, 'any');
      run.ready.add(frame);
      continue;
    }
    if (deps.draining()) return false;
    if (isHeavy(run)) {
      run.ready.add(frame);
      return true;
    }
    runStep(run, { frame, node }, deps);
  }
  if (next.run.length === 0 && frame.open === 0) endItem(run, frame, deps);
  return true;
}

/** Runs what can run now, for as long as nobody else is held up. @returns the graphs that the drain leaves. */
function advanceAll(run: Run, deps: RunDeps): Frame[] {
  const until = performance.now() + sliceMs;
  const left: Frame[] = [];
  for (const frame of run.ready) {
    if (run.lost || isHeavy(run) || performance.now() > until) break;
    run.ready.delete(frame);
    if (!advance(run, frame, deps)) left.push(frame);
  }
  return left;
}

/** Ends what still shows as under way when the execution fails. */
function cancelOpenSteps(run: Run): void {
  for (const frame of framesOf(run)) {
    for (const step of frame.steps.values()) {
      if (step.status !== 'running' && step.status !== 'waiting') continue;
      note(run, { ...step, status: 'cancelled', finishedAt: new Date() });
    }
  }
}

/** Waits until what is in flight has stopped, or ignored its signal for too long. */
async function settleInFlight(run: Run): Promise<void> {
  const until = performance.now() + stubbornMs;
  while (!run.lost && run.inFlight.size > 0 && performance.now() < until)
    await nextChange(run, until - performance.now());
}

function tookTooLong({ timeLimit }: Run): Failure {
  return {
    code: 'execution_timeout',
    message: `The execution took longer than ${timeLimit} s; give the workflow a longer timeoutSeconds.`,
  };
}

/** Runs steps until nothing is left to do now: the end, a wait, a failure, a lost lease or a drain. */
async function runSteps(run: Run, deps: RunDeps): Promise<void> {
  while (!run.lost) {
    const nextWakeMs = wakeSteps(run, deps);
    const leftMs = run.deadlineMs - performance.now();
    if (leftMs <= 0) failFrame(run, run.root, tookTooLong(run));
    const left = advanceAll(run, deps);
    if (isHeavy(run)) {
      if (!(await flush(run, deps))) return;
    } else if (run.root.failure) {
      break;
    } else if (run.ready.size > 0) {
      await nextTurn();
    } else if (run.inFlight.size === 0) {
      for (const frame of left) run.ready.add(frame);
      return;
    } else if ([...run.steps.values()].some((step) => step.status === 'waiting')) {
      // A wait beside steps in flight is counted from now, not from the commit at their end; a step may settle meanwhile.
      if (!(await flush(run, deps))) return;
    } else {
      await nextChange(run, Math.min(nextWakeMs ?? leftMs, leftMs));
    }
    for (const frame of left) run.ready.add(frame);
  }
  await settleInFlight(run);
  if (run.lost) return;
  cancelOpenSteps(run);
}

async function outputOf({ root }: Run, deps: RunDeps): Promise<Json> {
  const { graph, scope, controller } = root;
  if (!graph.output) return resultOf(root);
  return evaluate(graph.output, scope, { sandbox: deps.sandbox, signal: controller.signal });
}

async function outputOrFailure(run: Run, deps: RunDeps): Promise<{ output: Json; text: string } | Failure> {
  try {
    const output = withoutSecrets(await outputOf(run, deps), deps.credentials);
    return { output, text: textOf(output, 'output') };
  } catch (error) {
    if (error instanceof NodeError) return { code: error.code, message: error.message };
    if (error instanceof ExpressionError) {
      const message = deps.credentials ? deps.credentials.text(error.message) : error.message;
      return { code: error.code, message: storable(`output: ${message}`) };
    }
    deps.onError(errorWithoutSecrets(error, deps.credentials), 'output');
    return { code: 'internal', message: 'The output could not be computed; the server’s log has the cause.' };
  }
}

async function end(run: Run, deps: RunDeps, failure: Failure): Promise<Driven> {
  const committed = await commitRun(run, deps, { status: 'failed', outputText: undefined, error: failure });
  return committed?.finishedAt ? { end: 'failed', error: failure, finishedAt: committed.finishedAt } : { end: 'lost' };
}

/** The status that an execution with work left goes into; undefined when it is at its end. */
function whatIsLeft({ ready, waiting }: Run): 'pending' | 'waiting' | undefined {
  if (ready.size > 0) return 'pending';
  return waiting.size > 0 ? 'waiting' : undefined;
}

/**
 * Advances a run until its lease ends, and commits how it ended.
 *
 * @throws when the database cannot be reached for as long as the lease lasts; the execution is then taken over by whoever
 * looks next.
 */
export async function drive(run: Run, given: RunDeps): Promise<Driven> {
  const deps = { ...given, sandbox: given.sandbox.of(run.lease.teamId) };
  await runSteps(run, deps);
  if (run.lost) return { end: 'lost' };
  if (run.root.failure) return end(run, deps, run.root.failure);

  const status = whatIsLeft(run);
  if (status) {
    const committed = await commitRun(run, deps, { status, outputText: undefined, error: undefined });
    if (!committed) return { end: 'lost' };
    return status === 'waiting' && committed.dueAt
      ? { end: 'waiting', dueAt: committed.dueAt }
      : { end: 'handed-back' };
  }

  const result = await outputOrFailure(run, deps);
  if ('code' in result) return end(run, deps, result);
  const committed = await commitRun(run, deps, { status: 'completed', outputText: result.text, error: undefined });
  if (!committed?.finishedAt) return { end: 'lost' };
  return { end: 'completed', output: result.output, finishedAt: committed.finishedAt };
}
