/**
 * Glossary. *Execution*: one run of one version of a workflow. *Step*: one node of an execution. *Journal*: the rows of
 * `steps`. *Lease*: a worker's right to advance an execution, with a *fence*, a number that every write checks. *Worker*: a
 * process that advances executions; its *slots* are how many at once. *Sweep*: taking what no living lease holds.
 */
import type { Execution } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { Database, Db } from '@flowplane/db/database';
import { withRetry } from '@flowplane/db/retry';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import type { ApprovalLink } from './approval-links.ts';
import { startCall } from './call.ts';
import type { Credentials } from './credentials.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import { createTell } from './dispatch/message.ts';
import { childrenToEnd, type EndedExecution, endExecutions, unfinishedExecutions } from './end.ts';
import { isFinal, readExecution } from './execution.ts';
import type { AtFaultPoint } from './fault-points.ts';
import { createGraphs } from './graph/graphs.ts';
import type { Parent } from './insert.ts';
import type { HttpAnswer, NodeTypes } from './node-type.ts';
import { findOrphans } from './orphans.ts';
import { createAdmission } from './queue/admission.ts';
import { createBacklog, type QueueBounds } from './queue/backlog.ts';
import { patienceMs } from './queue/lease.ts';
import { type Restart, restartExecutions } from './restart.ts';
import { createStart, type MayStart } from './start.ts';
import type { Bus } from './streams/bus.ts';
import { createStreams, type Streams } from './streams/streams.ts';
import { watch } from './streams/watch.ts';
import { matches } from './validate/matches.ts';
import { createWorker } from './worker/worker.ts';

/** How often what should have ended with its caller is looked for. */
const orphansMs = 5_000;

/** Executions that are stopped in one transaction. */
const stopBatch = 100;

export type StartRequest = {
  teamId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  trigger: string;
  input: Json;
  /** Which of the team's executions that wait for a worker come first; the workflow's own when absent. */
  priority?: number | undefined;
  /** What a webhook was called with, for expressions: `run.request`. */
  request?: Json | undefined;
  /** An id that was reserved for a start that may be repeated: however often it is, there is one execution. */
  id?: string | undefined;
  /** The execution that waits for its end. */
  parent?: Parent | undefined;
  /** Told of a `respond` node's answer when the execution runs in this process. */
  onRespond?: ((answer: HttpAnswer) => void) | undefined;
};

/** A stored execution; `held` resolves with its state when this process is through with it for now, if it has it. */
export type Started = { execution: Execution; held: Promise<Execution> | undefined };

export type Engine = Pick<Streams, 'events' | 'logs'> & {
  nodeTypes: NodeTypes;
  /** Stores an execution and, where a slot is free, runs it at once. @throws Refusal `queue_full`. */
  start(request: StartRequest): Promise<Started>;
  /**
   * Makes executions that keep results of others that are over, see `restart.ts`; they run after `restarted`.
   *
   * @param db a transaction. @returns their ids. @throws Refusal `queue_full`.
   */
  restart(db: Db, restarts: Restart[]): Promise<string[]>;
  /** Lets what `restart` has made run, after that was committed. */
  restarted(ids: string[]): void;
  /** The execution as soon as it is final, or as it is after `ms`; undefined when the team has none with this id. */
  wait(teamId: string, id: string, ms: number): Promise<Execution | undefined>;
  /** Ends an execution now. @returns false when it was final already. */
  cancel(teamId: string, id: string): Promise<boolean>;
  /** Ends those of a team's executions that are under way. @returns how many it ended. */
  cancelAll(teamId: string, ids: string[]): Promise<number>;
  /** Ends the executions of a workflow that are under way. @returns how many it ended. */
  stop(teamId: string, workflowId: string): Promise<number>;
  /** Lets executions look at once at what their steps wait for, after `deliverEvent` or `decideApproval` was committed. */
  nudge(ids: string[]): void;
  /** Whether a team's expression over `event` is true of it. One that fails, or takes too long, is not. @throws what aborts it. */
  matches(teamId: string, expression: { match: string; event: Json }, signal: AbortSignal): Promise<boolean>;
  /** Starts taking executions that nobody holds. */
  work(): void;
  /** @throws when the queue cannot be reached. */
  check(): Promise<void>;
  /** Ends the streams, lets what is in flight settle, hands the rest back, and stops. Nobody waits for an execution from then on. */
  close(): Promise<void>;
};

/**
 * @param options.database its connections should prefer indexes (`openDatabase`'s `pointQueries`): every statement of the
 * engine finds its rows by key.
 * @param options.bus closed with the engine.
 * @param options.credentials those that workflows may name; absent where there are none.
 * @param options.slots executions advanced at once; 0 where this process only stores them.
 * @param options.approvalLink what `run.approvalLinks` is made with; absent where there are no links.
 * @param options.queueBounds executions that may wait to be run; no bound when absent.
 * @param options.mayStart asked before an execution is stored, whatever starts it; undefined where nothing has to be waited for. What it throws is
 * thrown to who starts it.
 * @param options.atFaultPoint for tests of faults: stands where a worker may die, see `faultPoints`.
 * @param options.onError told of failures that are ours, not the author's.
 */
export function createEngine(options: {
  database: Database;
  nodeTypes: NodeTypes;
  sandbox: Sandbox;
  credentials?: Credentials | undefined;
  dispatch: Dispatch;
  bus: Bus;
  slots: number;
  queueBounds?: QueueBounds | undefined;
  mayStart?: MayStart | undefined;
  approvalLink?: ApprovalLink | undefined;
  atFaultPoint?: AtFaultPoint | undefined;
  onError: (error: unknown, where: string) => void;
}): Engine {
  const { database, nodeTypes, sandbox, dispatch, bus, slots, onError } = options;
  const { queueBounds = { team: 0, all: 0 } } = options;
  const graphs = createGraphs(database, nodeTypes);
  let closing: Promise<void> | undefined;
  let orphanTimer: NodeJS.Timeout | undefined;

  const tell = createTell((error) => onError(error, 'dispatch'));

  /** Losing the message only costs time: the sweep finds the row. */
  function send(ids: string[]): void {
    void dispatch.send(ids).catch((error: unknown) => tell('send', error));
  }

  const worker = createWorker({
    database,
    graphs,
    sandbox,
    credentials: options.credentials,
    dispatch,
    bus,
    slots,
    onError,
    atFaultPoint: options.atFaultPoint,
    call: (lease, step, request) =>
      startCall({ database, start, atFaultPoint: options.atFaultPoint }, { lease, step }, request),
    approvalLink: options.approvalLink,
    endChildren: ({ teamId, id }) => endChildren(teamId, [id]),
    onLeft: (left) => admission.left(left),
  });
  const streams = createStreams({ database, bus, onError });

  const admission = createAdmission({ database, onEnded: afterEnd, nudge, onError });
  const backlog = createBacklog(database, queueBounds);
  const start = createStart({
    database,
    graphs,
    sandbox,
    send,
    worker,
    backlog,
    admission,
    mayStart: options.mayStart,
    onError,
  });

  async function wait(teamId: string, id: string, ms: number): Promise<Execution | undefined> {
    const until = performance.now() + ms;
    const news = watch([(listener) => bus.subscribe(id, listener)]);
    try {
      // The growing pauses are for what the bus does not tell.
      for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
        const execution = await readExecution(database, teamId, id);
        const left = until - performance.now();
        if (!execution || isFinal(execution.status) || left <= 0 || closing) return execution;
        await news.next(Math.min(pause, left));
      }
    } finally {
      news.close();
    }
  }

  /** What is to happen in this process, and to others, once executions were ended from outside. */
  async function afterEnd(teamId: string, ended: EndedExecution[]): Promise<void> {
    for (const { id, parentId } of ended) {
      worker.drop(id);
      bus.publish(id);
      if (parentId) nudge([parentId]);
    }
    admission.left(ended);
    if (ended.length > 0)
      await endChildren(
        teamId,
        ended.map(({ id }) => id),
      );
  }

  async function end(teamId: string, ids: string[]): Promise<number> {
    const ended = await endExecutions(database, { ids, teamId }, { status: 'cancelled' });
    await afterEnd(teamId, ended);
    return ended.length;
  }

  async function endChildren(teamId: string, parentIds: string[]): Promise<void> {
    const children = await childrenToEnd(database, parentIds);
    if (children.length > 0) await end(teamId, children);
  }

  /** What a worker that died between an end and those that were to come with it has left. */
  async function endOrphans(): Promise<void> {
    try {
      for (const [teamId, ids] of await findOrphans(database)) await end(teamId, ids);
    } catch (error) {
      onError(error, 'ending what ended executions have called');
    }
  }

  function nudge(ids: string[]): void {
    for (const id of ids) void worker.look(id);
    if (slots === 0) send(ids);
  }

  async function stop(teamId: string, workflowId: string): Promise<number> {
    let stopped = 0;
    let found: string[];
    do {
      found = await unfinishedExecutions(database, { teamId, workflowId, most: stopBatch });
      const ids = found;
      // A commit of several executions may hold some of these and wait for others.
      stopped += await withRetry(() => end(teamId, ids), patienceMs);
    } while (found.length === stopBatch);
    return stopped;
  }

  return {
    nodeTypes,
    start,
    restart: (db, restarts) =>
      restartExecutions({ graphs, sandbox, backlog, mayStart: options.mayStart }, db, restarts),
    restarted(ids) {
      nudge(ids);
      admission.came(ids);
    },
    wait,
    events: streams.events,
    logs: streams.logs,
    cancel: async (teamId, id) => (await end(teamId, [id])) > 0,
    cancelAll: (teamId, ids) => withRetry(() => end(teamId, ids), patienceMs),
    stop,
    nudge,
    matches: (teamId, { match, event }, signal) => matches(match, event, { sandbox: sandbox.of(teamId), signal }),
    work() {
      worker.work();
      admission.watch();
      if (slots > 0) orphanTimer = setInterval(() => void endOrphans(), orphansMs);
    },
    check: () => dispatch.check(),
    close() {
      if (!closing) {
        streams.close();
        clearInterval(orphanTimer);
        closing = worker.close().then(async () => {
          await admission.close();
          await dispatch.close();
          await bus.close();
        });
      }
      return closing;
    },
  };
}
