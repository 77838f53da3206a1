import type { Failure } from '@flowplane/contract/execution';
import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { storable } from '@flowplane/contract/text';
import { ExpressionError, SandboxError } from '@flowplane/expressions/errors';
import { evaluate } from '@flowplane/expressions/evaluate';
import type { GraphNode } from './graph.ts';
import type { StepRecord } from './journal.ts';
import { roomAfter } from './json-size.ts';
import { NodeError } from './node-error.ts';
import type { NodeContext, Outcome } from './node-type.ts';
import { addLog, flush, newStep, note, type Run, type RunDeps } from './run.ts';

function failureOf(error: unknown, nodeId: string, deps: RunDeps): Failure {
  if (error instanceof NodeError || error instanceof ExpressionError || error instanceof SandboxError) {
    return { code: error.code, message: storable(error.message.slice(0, 2_000)), nodeId };
  }
  deps.onError(error, `node ${nodeId}`);
  return {
    code: 'internal',
    message: 'The node failed in a way that is not its author’s fault; the server’s log has the cause.',
    nodeId,
  };
}

/** The JSON text of a value within the bound. @throws NodeError when it is larger, deeper or not JSON. */
export function textOf(value: Json, what: string): string {
  if (roomAfter(value, limits.valueBytes) < 0) throw tooLarge(what);
  if (!isJson(value)) throw new NodeError('invalid_value', `The ${what} is not ${jsonBounds}.`);
  const text = JSON.stringify(value);
  if (text.length > limits.valueBytes || Buffer.byteLength(text) > limits.valueBytes) throw tooLarge(what);
  return text;
}

function tooLarge(what: string): NodeError {
  return new NodeError(
    'value_too_large',
    `The ${what} has more than ${limits.valueBytes} bytes of JSON; keep large data elsewhere and pass a reference.`,
  );
}

function settle(run: Run, step: StepRecord, outcome: Outcome): void {
  step.outputText = textOf(outcome.output, 'output');
  step.output = outcome.output;
  step.port = outcome.port;
  if (outcome.wait) {
    step.status = 'waiting';
    step.wait = outcome.wait;
    const left = 'seconds' in outcome.wait ? outcome.wait.seconds * 1_000 : outcome.wait.until.getTime() - Date.now();
    step.wakeAtMs = performance.now() + left;
  } else {
    step.status = 'completed';
    step.finishedAt = new Date();
  }
  if (outcome.respond) run.onRespond?.(outcome.respond);
}

function fail(run: Run, step: StepRecord, error: unknown, deps: RunDeps): void {
  if (run.lost) return;
  step.finishedAt = new Date();
  if (run.failure && run.controller.signal.aborted) {
    step.status = 'cancelled';
    return;
  }
  step.status = 'failed';
  step.error = failureOf(error, step.nodeId, deps);
  run.failure ??= step.error;
  run.controller.abort();
}

function contextOf(run: Run, step: StepRecord): NodeContext {
  return {
    scope: run.scope,
    idempotencyKey: `${run.lease.id}:${step.path}`,
    signal: run.controller.signal,
    log: (level, message, data = null) => addLog(run, limits.logLines, { path: step.path, level, message, data }),
  };
}

function beginStep(run: Run, node: GraphNode): StepRecord {
  const step = newStep(run, node, 'running');
  step.attempt += 1;
  step.startedAt = new Date();
  return step;
}

async function runSlowly(
  run: Run,
  deps: RunDeps,
  work: { node: GraphNode; step: StepRecord; params: Json | Promise<Json> },
): Promise<void> {
  const { node, step } = work;
  try {
    const params = withLiterals(await work.params, node);
    step.inputText = textOf(params, 'input');
    if (node.type.effect) {
      note(run, step);
      // What the effect depends on, and that it was begun, must be on disk before it happens.
      if (!(await flush(run, deps))) return;
      // Another step may have failed meanwhile.
      run.controller.signal.throwIfAborted();
    }
    settle(run, step, await node.type.run(params, contextOf(run, step)));
    if (node.type.effect && !run.lost) {
      note(run, step);
      run.progress = true;
      // Before anything that depends on the effect starts, it must be on disk that it has happened.
      if (!(await flush(run, deps))) return;
    }
  } catch (error) {
    fail(run, step, error, deps);
  }
  finish(run, step);
}

function withLiterals(params: Json, node: GraphNode): Json {
  return params !== null && typeof params === 'object' && !Array.isArray(params)
    ? { ...params, ...node.literals }
    : params;
}

function finish(run: Run, step: StepRecord): void {
  run.inFlight.delete(step.path);
  if (!run.lost) {
    run.progress = true;
    note(run, step);
    if (step.status === 'completed') run.results[step.nodeId] = step.output;
  }
  run.wake();
}

/**
 * Runs one node. A pure node whose expressions need no sandbox is done when this returns; others go on in the background,
 * are in `run.inFlight` meanwhile, and call `run.wake`.
 */
export function runStep(run: Run, node: GraphNode, deps: RunDeps): void {
  const step = beginStep(run, node);
  try {
    const evaluated = evaluate(node.template, run.scope, { sandbox: deps.sandbox, signal: run.controller.signal });
    if (evaluated instanceof Promise || node.type.effect) {
      run.inFlight.add(step.path);
      run.journal.set(step.path, step);
      void runSlowly(run, deps, { node, step, params: evaluated });
      return;
    }
    const params = withLiterals(evaluated, node);
    step.inputText = textOf(params, 'input');
    const outcome = node.type.run(params, contextOf(run, step));
    if (outcome instanceof Promise) {
      run.inFlight.add(step.path);
      run.journal.set(step.path, step);
      outcome
        .then((settled) => settle(run, step, settled))
        .catch((error: unknown) => fail(run, step, error, deps))
        .finally(() => finish(run, step));
      return;
    }
    settle(run, step, outcome);
  } catch (error) {
    fail(run, step, error, deps);
  }
  finish(run, step);
}
