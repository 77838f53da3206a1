import type { Failure } from '@flowplane/contract/execution';
import type { Frame } from './frame.ts';
import type { Loop } from './loop.ts';
import { note, type Run } from './run.ts';

function loopsOf(run: Run, frame: Frame): Loop[] {
  return [...run.loops.values()].filter((loop) => loop.frame === frame);
}

/** Ends the waits of a graph: what waits for a time or for its next attempt will not go on. */
function cancelWaits(run: Run, frame: Frame): void {
  for (const [path, { frame: of, step }] of run.waiting) {
    if (of !== frame) continue;
    run.waiting.delete(path);
    frame.open -= 1;
    step.status = 'cancelled';
    step.finishedAt = new Date();
    note(run, step);
  }
}

/** Ends a graph with a failure: what is in flight is told to stop, what waits ends, and so do the items of its loops. */
export function failFrame(run: Run, frame: Frame, failure: Failure): void {
  if (frame.failure) return;
  frame.failure = failure;
  frame.controller.abort();
  cancelWaits(run, frame);
  for (const loop of loopsOf(run, frame)) stopLoop(run, loop, failure);
  run.ready.add(frame);
}

/** Ends a loop with a failure: no further item starts, and those under way are stopped. */
export function stopLoop(run: Run, loop: Loop, failure: Failure): void {
  if (loop.failure) return;
  loop.failure = failure;
  for (const frame of loop.live.values()) failFrame(run, frame, failure);
}
