import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { storable } from '@flowplane/contract/text';
import { ExpressionError } from '@flowplane/expressions/errors';
import { evaluate } from '@flowplane/expressions/evaluate';
import { NodeError } from './node-error.ts';
import { plan } from './plan.ts';
import { commitRun, flush, newStep, note, type Run, type RunDeps } from './run.ts';
import { runStep, textOf } from './step.ts';

/** How a lease ended. */
export type Driven =
  | { end: 'completed'; output: Json; finishedAt: Date }
  | { end: 'failed'; error: Failure; finishedAt: Date }
  | { end: 'waiting'; dueAt: Date }
  | { end: 'handed-back' }
  | { end: 'lost' };

/** Characters of JSON that a run may hold uncommitted: a thousand steps of 1 MB each would not fit into memory. */
const mostPending = 4_194_304;

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

/** Completes the steps whose wait is over. @returns the milliseconds until the next one is. */
function completeWaits(run: Run): number | undefined {
  const now = performance.now();
  let next: number | undefined;
  for (const step of run.journal.values()) {
    if (step.status !== 'waiting') continue;
    const left = (step.wakeAtMs ?? now) - now;
    if (left <= 0) {
      step.status = 'completed';
      step.finishedAt = new Date();
      run.results[step.nodeId] = step.output;
      run.progress = true;
      note(run, step);
    } else next = Math.min(next ?? left, left);
  }
  return next;
}

/** Runs steps until nothing is left to do now: the end, a wait, a failure, a lost lease or a drain. */
async function runSteps(run: Run, deps: RunDeps): Promise<void> {
  while (!run.lost && !run.failure) {
    const nextWakeMs = completeWaits(run);
    const next = plan(run.graph, run.journal);
    for (const node of next.skip) note(run, newStep(run, node, 'skipped'));
    const starting = deps.draining() ? [] : next.run;
    const inFlightBefore = run.inFlight.size;
    for (const node of starting) {
      if (!run.failure && run.pendingChars <= mostPending) runStep(run, node, deps);
    }
    if (run.pendingChars > mostPending) {
      if (!(await flush(run, deps))) return;
      continue;
    }
    const settledAtOnce = starting.length - (run.inFlight.size - inFlightBefore);
    if (settledAtOnce > 0) continue;
    if (run.inFlight.size === 0) return;
    // A wait beside steps in flight is counted from now, not from the commit at their end.
    if ([...run.steps.values()].some((step) => step.status === 'waiting')) {
      if (!(await flush(run, deps))) return;
      // A step may have settled meanwhile, when nobody was listening.
      continue;
    }
    await nextChange(run, nextWakeMs);
  }
  const until = performance.now() + stubbornMs;
  while (!run.lost && run.inFlight.size > 0 && performance.now() < until)
    await nextChange(run, until - performance.now());
  if (run.lost) return;
  for (const step of run.journal.values()) {
    if (step.status !== 'running' && step.status !== 'waiting') continue;
    note(run, { ...step, status: 'cancelled', finishedAt: new Date() });
  }
}

async function outputOf(run: Run, deps: RunDeps): Promise<Json> {
  const { graph, scope } = run;
  if (graph.output) return evaluate(graph.output, scope, { sandbox: deps.sandbox, signal: run.controller.signal });
  const results: Record<string, Json> = {};
  for (const id of graph.ends) {
    const output = scope.nodes[id];
    if (output !== undefined) results[id] = output;
  }
  const [only] = Object.values(results);
  return graph.ends.length === 1 ? (only ?? null) : results;
}

async function outputOrFailure(run: Run, deps: RunDeps): Promise<{ output: Json; text: string } | Failure> {
  try {
    const output = await outputOf(run, deps);
    return { output, text: textOf(output, 'output') };
  } catch (error) {
    if (error instanceof NodeError) return { code: error.code, message: error.message };
    if (error instanceof ExpressionError) return { code: error.code, message: storable(`output: ${error.message}`) };
    deps.onError(error, 'output');
    return { code: 'internal', message: 'The output could not be computed; the server’s log has the cause.' };
  }
}

async function end(run: Run, deps: RunDeps, failure: Failure): Promise<Driven> {
  const committed = await commitRun(run, deps, { status: 'failed', outputText: undefined, error: failure });
  return committed?.finishedAt ? { end: 'failed', error: failure, finishedAt: committed.finishedAt } : { end: 'lost' };
}

/** The status that an execution with work left goes into; undefined when it is at its end. */
function whatIsLeft(run: Run): 'pending' | 'waiting' | undefined {
  if (plan(run.graph, run.journal).run.length > 0) return 'pending';
  for (const step of run.journal.values()) if (step.status === 'waiting') return 'waiting';
  return undefined;
}

/**
 * Advances a run until its lease ends, and commits how it ended.
 *
 * @throws when the database cannot be reached for as long as the lease lasts; the execution is then taken over by whoever
 * looks next.
 */
export async function drive(run: Run, deps: RunDeps): Promise<Driven> {
  await runSteps(run, deps);
  if (run.lost) return { end: 'lost' };
  if (run.failure) return end(run, deps, run.failure);

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
