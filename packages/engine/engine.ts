/**
 * Glossary. *Execution*: one run of one version of a workflow. *Step*: one node of an execution. *Journal*: the rows of
 * `steps`. *Lease*: a worker's right to advance an execution, with a *fence*, a number that every write checks. *Worker*: a
 * process that advances executions; its *slots* are how many at once. *Sweep*: taking what no living lease holds.
 */
import type { Execution } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { isTransient, withRetry } from '@flowplane/db/retry';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { createBatcher } from './batch.ts';
import { cancelExecution } from './cancel.ts';
import type { Dispatch } from './dispatch.ts';
import type { Driven } from './drive.ts';
import { isFinal, readExecution } from './execution.ts';
import { createGraphs } from './graphs.ts';
import { insertExecutions, type NewExecution } from './insert.ts';
import type { Lease } from './lease.ts';
import type { HttpAnswer, NodeTypes } from './node-type.ts';
import { createWorker, patienceMs } from './worker.ts';

export type StartRequest = {
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  trigger: string;
  input: Json;
  /** An id that was reserved for a start that may be repeated: however often it is, there is one execution. */
  id?: string | undefined;
  /** Told of a `respond` node's answer when the execution runs in this process. */
  onRespond?: ((answer: HttpAnswer) => void) | undefined;
};

/** A stored execution; `held` resolves with its state when this process is through with it for now, if it has it. */
export type Started = { execution: Execution; held: Promise<Execution> | undefined };

export type Engine = {
  nodeTypes: NodeTypes;
  /** Stores an execution and, where a slot is free, runs it at once. */
  start(request: StartRequest): Promise<Started>;
  /** The execution as soon as it is final, or as it is after `ms`; undefined when the team has none with this id. */
  wait(teamId: string, id: string, ms: number): Promise<Execution | undefined>;
  /** Ends an execution now. @returns false when it was final already. */
  cancel(teamId: string, id: string): Promise<boolean>;
  /** Starts taking executions that nobody holds. */
  work(): void;
  /** @throws when the queue cannot be reached. */
  check(): Promise<void>;
  /** Lets what is in flight settle, hands the rest back, and stops. Nobody waits for an execution from then on. */
  close(): Promise<void>;
};

function stateOf(lease: Lease, driven: Driven): Execution {
  const { id, workflowId, version, trigger, input, createdAt, startedAt } = lease;
  const base = {
    id,
    workflowId,
    version,
    trigger,
    input,
    createdAt,
    startedAt,
    output: null,
    error: null,
    finishedAt: null,
  };
  switch (driven.end) {
    case 'completed':
      return { ...base, status: 'completed', output: driven.output, finishedAt: driven.finishedAt };
    case 'failed':
      return { ...base, status: 'failed', error: driven.error, finishedAt: driven.finishedAt };
    case 'waiting':
      return { ...base, status: 'waiting' };
    default:
      return { ...base, status: 'running' };
  }
}

/**
 * @param options.database its connections should prefer indexes (`openDatabase`'s `pointQueries`): every statement of the
 * engine finds its rows by key.
 * @param options.slots executions advanced at once; 0 where this process only stores them.
 * @param options.onError told of failures that are ours, not the author's.
 */
export function createEngine(options: {
  database: Database;
  nodeTypes: NodeTypes;
  sandbox: Sandbox;
  dispatch: Dispatch;
  slots: number;
  onError: (error: unknown, where: string) => void;
}): Engine {
  const { database, nodeTypes, sandbox, dispatch, slots, onError } = options;
  const listeners = new Map<string, Set<(execution: Execution) => void>>();
  const graphs = createGraphs(database, nodeTypes);
  let closing: Promise<void> | undefined;

  const worker = createWorker({ database, graphs, sandbox, dispatch, slots, onError }, (lease, driven) => {
    const waiting = listeners.get(lease.id);
    if (!waiting) return;
    const execution = stateOf(lease, driven);
    if (isFinal(execution.status)) for (const listener of waiting) listener(execution);
  });

  const insert = createBatcher<NewExecution, Date>({
    flush: (rows) => withRetry(() => insertExecutions(database, rows), patienceMs),
    failsAll: isTransient,
    lanes: 2,
    max: 100,
  });

  async function start({ onRespond, input, ...request }: StartRequest): Promise<Started> {
    const id = request.id ?? newId();
    // Who repeats a start cannot know whether the first one runs already, so its execution is claimed like any other.
    const born = request.id === undefined && worker.reserve();
    let createdAt: Date;
    try {
      createdAt = await insert({ ...request, id, inputText: JSON.stringify(input), worker: born ? worker.id : null });
    } catch (error) {
      if (born) worker.release();
      throw error;
    }
    const lease: Lease = { ...request, id, input, fence: '1', crashes: 0, createdAt, startedAt: createdAt };
    const execution = stateOf(lease, { end: 'handed-back' });
    if (born) {
      const held = worker.hold(lease, { onRespond }).then((driven) => stateOf(lease, driven));
      return { execution, held };
    }
    if (request.id !== undefined) void worker.look(id);
    // Losing the message only costs time: the sweep finds the row.
    else void dispatch.send([id]).catch((error: unknown) => onError(error, 'dispatch'));
    return { execution: { ...execution, status: 'pending', startedAt: null }, held: undefined };
  }

  async function wait(teamId: string, id: string, ms: number): Promise<Execution | undefined> {
    const until = performance.now() + ms;
    let notify = (_execution: Execution) => {};
    const final = new Promise<Execution>((resolve) => {
      notify = resolve;
    });
    const waiting = listeners.get(id) ?? new Set();
    listeners.set(id, waiting.add(notify));
    try {
      // What ends in this process is told at once; the growing pauses are for what ends in another.
      for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
        const execution = await readExecution(database, teamId, id);
        const left = until - performance.now();
        if (!execution || isFinal(execution.status) || left <= 0 || closing) return execution;
        let timer: NodeJS.Timeout | undefined;
        const paused = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, Math.min(pause, left));
        });
        const ended = await Promise.race([final, paused]);
        clearTimeout(timer);
        if (ended) return ended;
      }
    } finally {
      waiting.delete(notify);
      if (waiting.size === 0) listeners.delete(id);
    }
  }

  return {
    nodeTypes,
    start,
    wait,
    async cancel(teamId, id) {
      const cancelled = await cancelExecution(database, teamId, id);
      if (cancelled) worker.drop(id);
      return cancelled;
    },
    work: () => worker.work(),
    check: () => dispatch.check(),
    close() {
      closing ??= worker.close().then(() => dispatch.close());
      return closing;
    },
  };
}
