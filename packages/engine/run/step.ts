import { Refusal } from '@flowplane/contract/errors';
import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { newId } from '@flowplane/db/id';
import { evaluate } from '@flowplane/expressions/evaluate';
import { type RunCredentials, withoutSecrets } from '../credentials.ts';
import type { GraphNode } from '../graph/graph.ts';
import { NodeError } from '../node-error.ts';
import type { NodeContext, Outcome, Suspension } from '../node-type.ts';
import { databaseTime } from './clock.ts';
import { failureOf } from './failure.ts';
import { endFailed, finish, goOn } from './finish.ts';
import type { Frame } from './frame.ts';
import { tellProgress } from './heartbeat.ts';
import { holdOutput } from './held-results.ts';
import { retryDelay } from './retry.ts';
import { addLog, flush, newStep, note, type Run, type RunDeps, type Work } from './run.ts';
import { startLoop } from './run-loop.ts';
import { textOf } from './value-text.ts';
import { type Patience, within } from './within.ts';

function settle(run: Run, { frame, step }: Work, { given, deps }: { given: Outcome; deps: RunDeps }): void {
  const outcome = deps.credentials ? cleaned(given, deps.credentials) : given;
  const text = textOf(outcome.output, 'output');
  holdOutput(run, frame, text);
  step.outputText = text;
  step.output = outcome.output;
  step.port = outcome.port;
  if (outcome.suspend) {
    const { timeoutSeconds: seconds } = outcome.suspend;
    step.status = 'waiting';
    step.suspension = { ...outcome.suspend, id: newId() };
    step.wait = seconds === undefined ? undefined : { seconds };
    step.wakeAtMs = seconds === undefined ? undefined : performance.now() + seconds * 1_000;
  } else if (outcome.wait) {
    step.status = 'waiting';
    step.wait = outcome.wait;
    const left =
      'seconds' in outcome.wait ? outcome.wait.seconds * 1_000 : outcome.wait.until.getTime() - databaseTime(run);
    step.wakeAtMs = performance.now() + left;
  } else {
    step.status = 'completed';
    step.finishedAt = new Date();
  }
  if (outcome.respond) run.onRespond?.(outcome.respond);
}

/** What a step gives, as everything that can be seen of it from then on. */
function cleaned(outcome: Outcome, credentials: RunCredentials): Outcome {
  const { output, suspend, respond } = outcome;
  return {
    ...outcome,
    output: withoutSecrets(output, credentials),
    ...(suspend && { suspend: cleanedSuspension(suspend, credentials) }),
    ...(respond && {
      respond: {
        ...respond,
        headers: Object.fromEntries(
          Object.entries(respond.headers).map(([name, value]) => [credentials.text(name), credentials.text(value)]),
        ),
        body: withoutSecrets(respond.body, credentials),
      },
    }),
  };
}

function cleanedSuspension(suspension: Suspension, credentials: RunCredentials): Suspension {
  switch (suspension.kind) {
    case 'event':
      return {
        ...suspension,
        event: credentials.text(suspension.event),
        match: withoutSecrets(suspension.match, credentials),
      };
    case 'approval':
      return { ...suspension, request: withoutSecrets(suspension.request, credentials) };
    default:
      return suspension;
  }
}

/** Milliseconds that the node still has, all its attempts together; undefined where that is not bounded. */
function timeLeft(run: Run, { node, step }: Work): number | undefined {
  const { timeoutMs } = node.settings;
  if (timeoutMs === undefined || !step.startedAt) return timeoutMs;
  return timeoutMs - (databaseTime(run) - step.startedAt.getTime());
}

function patienceWith(run: Run, work: Work): Patience {
  const { retry, heartbeatTimeoutMs: silenceMs } = work.node.settings;
  return { limits: [retry?.attemptTimeoutMs, timeLeft(run, work)].filter((ms) => ms !== undefined), silenceMs };
}

type Failed = { failure: Failure; afterMs?: number | undefined };

function retryIn(run: Run, work: Work, { failure, afterMs }: Failed): number | undefined {
  const { retry } = work.node.settings;
  const ms = retry && retryDelay(retry, { attempt: work.step.attempt, code: failure.code, afterMs }, Math.random);
  const left = timeLeft(run, work);
  return ms !== undefined && left !== undefined && ms >= left ? undefined : ms;
}

/** A step has failed: it waits for its next attempt, or that was the last. @param failed.afterMs the least to wait. */
export function retryOrEnd(run: Run, work: Work, failed: Failed): void {
  const { step } = work;
  const { failure } = failed;
  const ms = retryIn(run, work, failed);
  if (ms === undefined) {
    endFailed(run, work, failure);
    return;
  }
  step.status = 'waiting';
  step.error = failure;
  step.suspension = undefined;
  step.resolution = undefined;
  step.wait = { seconds: ms / 1_000 };
  step.wakeAtMs = performance.now() + ms;
}

function fail(run: Run, work: Work, { error, deps }: { error: unknown; deps: RunDeps }): void {
  const { frame, step } = work;
  if (run.lost) return;
  if (frame.failure) {
    step.status = 'cancelled';
    step.finishedAt = new Date();
    return;
  }
  const afterMs = error instanceof NodeError ? error.retryAfterMs : undefined;
  retryOrEnd(run, work, { failure: failureOf(error, step.nodeId, deps), afterMs });
}

/** What gives a node its credential; none for a node without one. */
function credentialOf({ settings }: GraphNode, { credentials }: RunDeps): Pick<NodeContext, 'credential' | 'redact'> {
  const { credentialId } = settings;
  if (credentialId === undefined || !credentials) return {};
  return {
    redact: credentials.text,
    credential: (url) =>
      credentials.use(credentialId, url).catch((error: unknown) => {
        throw error instanceof Refusal ? new NodeError(error.code, error.message) : error;
      }),
  };
}

/** Fewer signals than any execution has had, so that whatever it waits for is looked at once more. */
const lookAgain = -1;

function contextOf(
  run: Run,
  work: Work,
  { signal, alive, deps }: { signal: AbortSignal; alive: () => void; deps: RunDeps },
): NodeContext {
  const { frame, node, step } = work;
  const { credentials } = deps;
  return {
    ...credentialOf(node, deps),
    scope: frame.scope,
    teamId: run.lease.teamId,
    idempotencyKey: `${run.lease.id}:${step.path}`,
    signal,
    lastProgress: step.progressText === undefined ? undefined : JSON.parse(step.progressText),
    heartbeat(progress) {
      alive();
      if (progress !== undefined) tellProgress(run, work, { progress, deps });
    },
    call(request) {
      run.hasCalled = true;
      // What an earlier attempt called may have ended before this lease began: its end is looked for once more.
      if (step.attempt > 1) run.signals = lookAgain;
      return deps.call(run.lease, step, { ...request, input: withoutSecrets(request.input, credentials) });
    },
    log(level, message, data = null) {
      addLog(run, limits.logLines, {
        path: step.path,
        level,
        message: credentials ? credentials.text(message) : message,
        data: withoutSecrets(data, credentials),
      });
    },
  };
}

function begin(run: Run, frame: Frame, node: GraphNode): Work {
  const step = newStep(run, { frame, node }, 'running');
  step.attempt += 1;
  step.startedAt ??= new Date(databaseTime(run));
  frame.steps.set(node.id, step);
  frame.open += 1;
  return { frame, node, step };
}

function withLiterals(params: Json, { literals }: GraphNode): Json {
  return params !== null && typeof params === 'object' && !Array.isArray(params) ? { ...params, ...literals } : params;
}

type RunType = NonNullable<GraphNode['type']['run']>;

async function runSlowly(
  run: Run,
  work: Work,
  { run: runNode, params: evaluated, deps }: { run: RunType; params: Json | Promise<Json>; deps: RunDeps },
): Promise<void> {
  const { frame, node, step } = work;
  const { signal } = frame.controller;
  run.inFlight.add(step.path);
  try {
    const params = withLiterals(await evaluated, node);
    step.inputText = textOf(withoutSecrets(params, deps.credentials), 'input');
    if (node.type.effect) {
      note(run, step);
      // What the effect depends on, and that it was begun, must be on disk before it happens.
      if (!(await flush(run, deps))) return;
      // Another step may have failed meanwhile.
      signal.throwIfAborted();
    }
    const attempt = (until: AbortSignal, alive: () => void) =>
      runNode(params, contextOf(run, work, { signal: until, alive, deps }));
    if (deps.atFaultPoint && node.type.effect) await deps.atFaultPoint('acting', run.lease);
    const outcome = await within(patienceWith(run, work), signal, attempt);
    if (deps.atFaultPoint && node.type.effect) await deps.atFaultPoint('acted', run.lease);
    settle(run, work, { given: outcome, deps });
    if (node.type.effect && !run.lost) {
      note(run, step);
      run.progress = true;
      // Before anything that depends on the effect starts, it must be on disk that it has happened.
      if (!(await flush(run, deps))) return;
      goOn(run, work);
      return;
    }
  } catch (error) {
    fail(run, work, { error, deps });
  }
  finish(run, work);
}

/** What stands in for running the node: nothing, or test data in runs of the draft. */
function insteadOf(run: Run, { settings }: GraphNode): Outcome | undefined {
  if (settings.pin && run.lease.version === null) return { output: settings.pin.output, ...pinnedPort(settings.pin) };
  return undefined;
}

function pinnedPort({ port }: { port?: string | undefined }): { port?: string } {
  return port === undefined ? {} : { port };
}

/** Notes that a node is not run: no way leads to it, or `port` is `any`: it is passed over. */
export function skipStep(run: Run, { frame, node }: { frame: Frame; node: GraphNode }, port?: 'any'): void {
  const step = newStep(run, { frame, node }, 'skipped');
  step.port = port;
  frame.steps.set(node.id, step);
  note(run, step);
}

/**
 * Runs one node. A pure node whose expressions need no sandbox is done when this returns; others go on in the background,
 * are in `run.inFlight` meanwhile, and call `run.wake`.
 */
export function runStep(run: Run, { frame, node }: { frame: Frame; node: GraphNode }, deps: RunDeps): void {
  const work = begin(run, frame, node);
  const { step } = work;
  try {
    const instead = insteadOf(run, node);
    if (instead) {
      settle(run, work, { given: instead, deps });
      finish(run, work);
      return;
    }
    const { signal } = frame.controller;
    const evaluated = evaluate(node.template, frame.scope, { sandbox: deps.sandbox, signal });
    const { run: runNode } = node.type;
    if (!runNode) {
      startLoop(run, work, { params: evaluated, deps });
      return;
    }
    if (evaluated instanceof Promise || node.type.effect) {
      void runSlowly(run, work, { run: runNode, params: evaluated, deps });
      return;
    }
    const params = withLiterals(evaluated, node);
    step.inputText = textOf(withoutSecrets(params, deps.credentials), 'input');
    const outcome = within(patienceWith(run, work), signal, (until, alive) =>
      runNode(params, contextOf(run, work, { signal: until, alive, deps })),
    );
    if (outcome instanceof Promise) {
      run.inFlight.add(step.path);
      outcome
        .then((settled) => settle(run, work, { given: settled, deps }))
        .catch((error: unknown) => fail(run, work, { error, deps }))
        .finally(() => finish(run, work));
      return;
    }
    settle(run, work, { given: outcome, deps });
  } catch (error) {
    fail(run, work, { error, deps });
  }
  finish(run, work);
}
