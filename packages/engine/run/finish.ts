import type { Failure } from '@flowplane/contract/execution';
import { failFrame } from './fail-frame.ts';
import { note, type Run, type Work } from './run.ts';

/** Ends a step for good: the failure goes where the node's `onError` says. */
export function endFailed(run: Run, { frame, node, step }: Work, failure: Failure): void {
  const { onError = 'fail' } = node.settings;
  step.status = 'failed';
  step.error = failure;
  step.finishedAt = new Date();
  step.wait = undefined;
  if (onError === 'fail') {
    failFrame(run, frame, failure);
    return;
  }
  step.port = onError === 'branch' ? 'error' : 'out';
  const { code, message } = failure;
  step.output = { error: { code, message } };
  step.outputText = JSON.stringify(step.output);
}

/** Notes what became of a step, and lets its graph go on. */
export function finish(run: Run, work: Work): void {
  if (!run.lost) {
    run.progress = true;
    note(run, work.step);
  }
  goOn(run, work);
}

/** A step that is noted is over, or waits: what comes after it may begin. */
export function goOn(run: Run, work: Work): void {
  const { step } = work;
  run.inFlight.delete(step.path);
  if (!run.lost) {
    if (step.status === 'waiting') run.waiting.set(step.path, work);
    else closeStep(run, work);
  }
  run.wake();
}

/** Takes a settled step off what its graph has open, and shows its result to those after it. */
export function closeStep(run: Run, { frame, step }: Work): void {
  frame.open -= 1;
  if (step.status === 'completed' || (step.status === 'failed' && step.port)) frame.results[step.nodeId] = step.output;
  run.ready.add(frame);
}
