import type { Execution } from '@flowplane/contract/execution';
import { limits } from '@flowplane/contract/limits';
import type { Database } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { isTransient, withRetry } from '@flowplane/db/retry';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { createBatcher } from './batch.ts';
import { endExecutions } from './end.ts';
import type { Started, StartRequest } from './engine.ts';
import { readExecution } from './execution.ts';
import type { Graph } from './graph/graph.ts';
import { type Graphs, usableGraph } from './graph/graphs.ts';
import { insertExecutions, type NewExecution, type Parent } from './insert.ts';
import { stateOf } from './journal/state.ts';
import type { Admission } from './queue/admission.ts';
import type { Backlog } from './queue/backlog.ts';
import { type CompiledConcurrency, placeFor } from './queue/concurrency.ts';
import { type Lease, patienceMs } from './queue/lease.ts';
import type { Worker } from './worker/worker.ts';

type Told = Pick<NewExecution, 'teamId' | 'workflowId' | 'version' | 'definitionHash' | 'trigger' | 'request'>;

/** Whether a team may start one more execution. @throws Refusal where it may not. */
export type MayStart = (teamId: string) => Promise<void> | undefined;

/** What a row takes over from a request as it is. */
function rowOf({ teamId, workflowId, version, definitionHash, trigger, request }: Omit<StartRequest, 'input'>): Told {
  return { teamId, workflowId, version, definitionHash, trigger, request };
}

/**
 * What starts executions. One that has a free slot here is born leased and runs at once. Any other is queued, unless there is too
 * much in the queue; what a workflow's concurrency limits waits for its turn first.
 */
export function createStart(options: {
  database: Database;
  graphs: Graphs;
  sandbox: Sandbox;
  /** Tells other processes of executions. */
  send: (ids: string[]) => void;
  worker: Worker;
  backlog: Backlog;
  admission: Admission;
  mayStart?: MayStart | undefined;
  onError: (error: unknown, where: string) => void;
}): (request: StartRequest) => Promise<Started> {
  const { database, graphs, sandbox, send, worker, backlog, admission, onError } = options;

  const insert = createBatcher<NewExecution, Date>({
    flush: (rows) => withRetry(() => insertExecutions(database, rows), patienceMs),
    failsAll: isTransient,
    lanes: 2,
    max: 100,
  });

  const loading = new Map<string, Promise<Graph | undefined>>();

  /** Loads a definition once for all starts that wait for it, which then go on in the order in which they came. */
  function loaded(request: StartRequest): Promise<Graph | undefined> {
    const name = `${request.teamId}:${request.definitionHash}`;
    const underWay = loading.get(name);
    if (underWay) return underWay;
    const begun = usableGraph(graphs, request).finally(() => loading.delete(name));
    loading.set(name, begun);
    return begun;
  }

  /** What other executions call was let in with them; a repeat may have been counted before. */
  async function checkBacklog(teamId: string, parent: Parent | undefined): Promise<void> {
    if (!parent) await backlog.add(teamId);
  }

  async function startLimited(
    { onRespond: _, input, parent, ...request }: StartRequest,
    { id, priority, concurrency }: { id: string; priority: number; concurrency: CompiledConcurrency },
  ): Promise<Started> {
    const { teamId, workflowId } = request;
    const { place, failure } = await placeFor(concurrency, { id, input }, sandbox.of(teamId));
    await checkBacklog(teamId, parent);
    await insert({ ...rowOf(request), id, parent, inputText: JSON.stringify(input), worker: null, priority, place });
    if (failure) {
      await endExecutions(database, { ids: [id], teamId }, { status: 'failed', error: failure });
    } else {
      // It is stored: what happens now only decides when it runs.
      await admission.admit({ workflowId, key: place.key }).catch((error: unknown) => onError(error, 'admission'));
    }
    const execution = await readExecution(database, teamId, id);
    if (!execution) throw new Error(`execution ${id} is gone`);
    return { execution, held: undefined };
  }

  async function startAtOnce(
    { onRespond, input, parent, ...request }: StartRequest,
    { id, priority }: { id: string; priority: number },
  ): Promise<Started> {
    // Who repeats a start cannot know whether the first one runs already, so its execution is claimed like any other.
    const born = request.id === undefined && worker.reserve(request.teamId);
    let createdAt: Date;
    try {
      if (!born) await checkBacklog(request.teamId, parent);
      const inputText = JSON.stringify(input);
      const holder = born ? worker.id : null;
      createdAt = await insert({
        ...rowOf(request),
        id,
        parent,
        inputText,
        worker: holder,
        priority,
        place: undefined,
      });
    } catch (error) {
      if (born) worker.release(request.teamId);
      throw error;
    }
    const lease: Lease = {
      ...request,
      request: request.request ?? null,
      id,
      input,
      fence: '1',
      isNew: true,
      crashes: 0,
      events: 1,
      sequence: 1,
      createdAt,
      startedAt: createdAt,
      ageMs: 0,
      signals: 0,
      parentId: parent?.id ?? null,
      depth: parent ? parent.depth + 1 : 0,
      concurrencyKey: null,
    };
    const execution: Execution = stateOf(lease, { end: 'handed-back' });
    if (born) {
      const held = worker.hold(lease, { onRespond }).then((driven) => stateOf(lease, driven));
      return { execution, held };
    }
    if (request.id !== undefined) void worker.look(id);
    else {
      worker.queued();
      send([id]);
    }
    return { execution: { ...execution, status: 'pending', startedAt: null }, held: undefined };
  }

  return async function start(request) {
    const id = request.id ?? newId();
    const asking = options.mayStart?.(request.teamId);
    if (asking) await asking;
    const graph = graphs.known(request.teamId, request.definitionHash) ?? (await loaded(request));
    const priority = request.priority ?? graph?.priority ?? limits.priority.usual;
    return graph?.concurrency
      ? startLimited(request, { id, priority, concurrency: graph.concurrency })
      : startAtOnce(request, { id, priority });
  };
}
