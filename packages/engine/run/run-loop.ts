import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { evaluate } from '@flowplane/expressions/evaluate';
import { withApprovalLinks } from '../approval-links.ts';
import { withoutSecrets } from '../credentials.ts';
import type { StepRecord } from '../journal/journal.ts';
import { stopLoop } from './fail-frame.ts';
import { failureOf } from './failure.ts';
import { endFailed, finish } from './finish.ts';
import { type Frame, newFrame, resultOf, visibleResults } from './frame.ts';
import { holdResult, letGo } from './held-results.ts';
import { hasRoom, isTooMuch, type Loop, outputOf, progressOf } from './loop.ts';
import { restoreFrame } from './restore-frame.ts';
import { note, type Run, type RunDeps, type Work } from './run.ts';
import { textOf } from './value-text.ts';

/** The path of an item of a loop. */
export function itemPath({ step }: Pick<Loop, 'step'>, index: number): string {
  return `${step.path}[${index}]`;
}

/** A loop of which no item has started. @throws NodeError for params that are not valid. */
export function newLoop(work: Work, params: Json): Loop {
  const { body, type } = work.node;
  if (!body || !type.loop) throw new Error(`${type.type} is not a loop`);
  return {
    ...work,
    ...type.loop.settings(params),
    body,
    live: new Map(),
    results: [],
    settled: new Set(),
    next: 0,
    done: 0,
    failures: 0,
    stopped: false,
    failure: undefined,
  };
}

function begin(run: Run, work: Work, { params: given, deps }: { params: Json; deps: RunDeps }): void {
  const { step } = work;
  try {
    // Its items too: whoever takes the execution over has only what the journal holds.
    const params = withoutSecrets(given, deps.credentials);
    step.inputText = textOf(params, 'input');
    const loop = newLoop(work, params);
    run.loops.set(step.path, loop);
    step.progressText = progressOf(loop);
    note(run, step);
    openItems(run, loop);
  } catch (error) {
    endFailed(run, work, failureOf(error, step.nodeId, deps));
    finish(run, work);
  }
}

/** Starts a loop once its params are there. */
export function startLoop(run: Run, work: Work, more: { params: Json | Promise<Json>; deps: RunDeps }): void {
  const { params, deps } = more;
  const { step, frame } = work;
  if (!(params instanceof Promise)) {
    begin(run, work, { params, deps });
    return;
  }
  run.inFlight.add(step.path);
  params
    .then((evaluated) => {
      run.inFlight.delete(step.path);
      if (run.lost) return;
      if (!frame.failure) return begin(run, work, { params: evaluated, deps });
      step.status = 'cancelled';
      finish(run, work);
    })
    .catch((error: unknown) => {
      endFailed(run, work, failureOf(error, step.nodeId, deps));
      finish(run, work);
    })
    .finally(() => run.wake());
}

function openItem(run: Run, loop: Loop, index: number): void {
  const { frame, body, items } = loop;
  const results = visibleResults(frame.results, body.outer);
  const prefix = `${itemPath(loop, index)}.`;
  const at = { executionId: run.lease.id, prefix, link: run.approvalLink };
  const scope = { ...frame.scope, run: withApprovalLinks(frame.scope.run, body.graph, at) };
  const opened = newFrame(prefix, {
    graph: body.graph,
    results,
    scope: { ...scope, nodes: results, item: items[index] ?? null, index },
    item: { loop, index, startedAt: new Date() },
  });
  loop.live.set(index, opened);
  restoreFrame(run, opened);
}

/** Starts as many items as there is room for; ends the loop when it is through. */
export function openItems(run: Run, loop: Loop): void {
  while (hasRoom(loop)) {
    const index = loop.next++;
    if (!loop.settled.has(index)) openItem(run, loop, index);
  }
  if (loop.live.size === 0 && run.loops.delete(loop.step.path)) end(run, loop);
}

function end(run: Run, loop: Loop): void {
  const { step, failure, frame } = loop;
  if (frame.failure) {
    step.status = 'cancelled';
    step.finishedAt = new Date();
  } else if (failure) endFailed(run, loop, failure);
  else {
    try {
      const output = outputOf(loop);
      step.outputText = textOf(output, 'output');
      step.output = output;
      step.status = 'completed';
      step.finishedAt = new Date();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      endFailed(run, loop, { code: 'value_too_large', message, nodeId: step.nodeId });
    }
  }
  finish(run, loop);
}

type ItemResult = { output: Json; text: string; until: boolean } | Failure;

function stepOf(run: Run, frame: Frame, { loop, index, startedAt }: NonNullable<Frame['item']>): StepRecord {
  return {
    path: itemPath(loop, index),
    position: run.nextPosition++,
    nodeId: loop.step.nodeId,
    type: loop.step.type,
    status: frame.failure && loop.failure ? 'cancelled' : 'completed',
    attempt: 1,
    port: undefined,
    inputText: undefined,
    output: undefined,
    outputText: undefined,
    progressText: undefined,
    error: undefined,
    wait: undefined,
    suspension: undefined,
    resolution: undefined,
    wakeAtMs: undefined,
    startedAt,
    finishedAt: new Date(),
    sequence: 0,
  };
}

function settleItem(run: Run, frame: Frame, came: ItemResult): void {
  const { item } = frame;
  if (!item || run.lost) return;
  const { loop, index } = item;
  letGo(run, frame);
  const result = 'code' in came ? came : (holdResult(run, loop.frame, came.text.length) ?? came);
  const step = stepOf(run, frame, item);
  loop.live.delete(index);
  if (!('code' in result)) {
    step.output = result.output;
    step.outputText = result.text;
    if (result.until) loop.stopped = true;
  } else if (step.status === 'completed') {
    const { code, message } = result;
    step.status = 'failed';
    step.error = result;
    step.output = { error: { code, message } };
    step.outputText = JSON.stringify(step.output);
    loop.failures += 1;
    if (isTooMuch(loop)) stopLoop(run, loop, result);
  }
  if (step.output !== undefined) loop.results[index] = step.output;
  run.progress = true;
  note(run, step);
  loop.done += 1;
  loop.step.progressText = progressOf(loop);
  run.beating.set(loop.step.path, loop.step);
  openItems(run, loop);
}

function resultOfEnd(evaluated: Json, frame: Frame, { credentials }: RunDeps): ItemResult {
  const end = withoutSecrets(evaluated, credentials);
  const given = end !== null && typeof end === 'object' && !Array.isArray(end) ? end : {};
  const output = given.output === undefined ? resultOf(frame) : given.output;
  return { output, text: textOf(output, 'result of the item'), until: Boolean(given.until) };
}

async function settleLater(run: Run, frame: Frame, more: { path: string; end: Promise<Json>; deps: RunDeps }) {
  const { path, end, deps } = more;
  run.inFlight.add(path);
  const result = await end
    .then((value) => resultOfEnd(value, frame, deps))
    .catch((error: unknown) => failureOf(error, frame.item?.loop.step.nodeId ?? '', deps));
  run.inFlight.delete(path);
  settleItem(run, frame, result);
  run.wake();
}

/** Ends an item whose graph is through. */
export function endItem(run: Run, frame: Frame, deps: RunDeps): void {
  const { item, failure, scope, controller } = frame;
  if (!item) return;
  if (failure) {
    settleItem(run, frame, failure);
    return;
  }
  const { loop, index } = item;
  let result: ItemResult;
  try {
    const end = evaluate(loop.body.end, scope, { sandbox: deps.sandbox, signal: controller.signal });
    if (end instanceof Promise) {
      void settleLater(run, frame, { path: itemPath(loop, index), end, deps });
      return;
    }
    result = resultOfEnd(end, frame, deps);
  } catch (error) {
    result = failureOf(error, loop.step.nodeId, deps);
  }
  settleItem(run, frame, result);
}
