import type { Failure } from '@flowplane/contract/execution';
import type { GraphNode } from '../graph/graph.ts';
import type { StepRecord } from '../journal/journal.ts';
import { failFrame, stopLoop } from './fail-frame.ts';
import type { Frame } from './frame.ts';
import { holdRestored } from './held-results.ts';
import { isTooMuch, type Loop } from './loop.ts';
import type { Run } from './run.ts';
import { newLoop, openItems } from './run-loop.ts';

function restoreLoop(run: Run, frame: Frame, { node, step }: { node: GraphNode; step: StepRecord }): void {
  const { inputs, items } = run.restored;
  const loop: Loop = newLoop({ frame, node, step }, inputs.get(step.path) ?? null);
  const settled = new Set<number>();
  for (const [index, item] of items.get(step.path) ?? []) {
    settled.add(index);
    if (item.output !== undefined) loop.results[index] = item.output;
    holdRestored(run, frame, item.output);
    if (item.status === 'failed') loop.failures += 1;
  }
  loop.settled = settled;
  loop.done = settled.size;
  frame.steps.set(node.id, step);
  frame.open += 1;
  run.loops.set(step.path, loop);
  const [failed] = [...(items.get(step.path)?.values() ?? [])].filter(({ status }) => status === 'failed');
  if (failed?.error && isTooMuch(loop)) stopLoop(run, loop, failed.error);
  openItems(run, loop);
}

function restoreStep(
  run: Run,
  frame: Frame,
  { node, step }: { node: GraphNode; step: StepRecord },
): Failure | undefined {
  if (step.status === 'running') {
    if (node.type.loop) restoreLoop(run, frame, { node, step });
    else run.attempts.set(step.path, step);
    return undefined;
  }
  frame.steps.set(node.id, step);
  if (step.status === 'waiting') {
    frame.open += 1;
    run.hasCalled ||= step.suspension !== undefined;
    run.waiting.set(step.path, { frame, node, step });
  } else if (step.status === 'completed' || (step.status === 'failed' && step.port)) {
    frame.results[node.id] = step.output;
    holdRestored(run, frame, step.output);
  }
  return step.status === 'failed' && !step.port ? step.error : undefined;
}

/** Lets a graph go on from what the journal holds of it. */
export function restoreFrame(run: Run, frame: Frame): void {
  run.ready.add(frame);
  const steps = run.restored.steps.get(frame.prefix);
  if (!steps) return;
  run.restored.steps.delete(frame.prefix);
  let failure: Failure | undefined;
  // Loops last: what their items see of this graph must be there.
  const loopsLast = steps.toSorted((a, b) => Number(a.status === 'running') - Number(b.status === 'running'));
  const nodes = new Map(frame.graph.nodes.map((node) => [node.id, node]));
  for (const step of loopsLast) {
    const node = nodes.get(step.nodeId);
    const why = node && restoreStep(run, frame, { node, step });
    failure ??= why;
  }
  if (failure) failFrame(run, frame, failure);
}
