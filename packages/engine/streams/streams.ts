import { Refusal } from '@flowplane/contract/errors';
import type { ExecutionEvent } from '@flowplane/contract/execution';
import type { WorkflowLogEvent } from '@flowplane/contract/workflow';
import type { Database } from '@flowplane/db/database';
import { type Bus, logsTopic } from './bus.ts';
import { eventMarks, hasExecution, readEvents } from './execution-events.ts';
import { follow, type Named } from './follow.ts';
import { logMarks, placeBefore, placeOf, readLogs } from './log-events.ts';
import { createPlaces, type Reader } from './places.ts';
import { createPoll } from './poll.ts';
import { createTurns } from './turns.ts';

/** Reads at once: the connections are those that executions are committed on. */
const readsAtOnce = 2;

/** Events as they happen. A stream reads when it is pulled, and ends at its caller's signal or when the process stops. */
export type EventStream<Event> = AsyncGenerator<Named<Event>, void, undefined>;

export type Streams = {
  /**
   * What happens in an execution, after the event `after` or from its beginning, until `done`; no event when `after` is `done`.
   *
   * @returns undefined when the team has none with this id.
   * @throws Refusal `unavailable` or `rate_limited` when too many streams are open.
   */
  events(
    teamId: string,
    id: string,
    options?: { after?: string | undefined; signal?: AbortSignal | undefined; reader?: Reader | undefined },
  ): Promise<EventStream<ExecutionEvent> | undefined>;
  /**
   * The last `tail` log lines of a workflow's executions, or those after the event `after`; then each new one. Throws a Refusal
   * `not_found` when the workflow is deleted.
   *
   * @returns undefined when the team has none with this id.
   * @throws Refusal `unavailable` or `rate_limited` when too many streams are open.
   */
  logs(
    teamId: string,
    workflowId: string,
    options: {
      tail: number;
      after?: string | undefined;
      signal?: AbortSignal | undefined;
      reader?: Reader | undefined;
    },
  ): Promise<EventStream<WorkflowLogEvent> | undefined>;
  /** Ends every stream. */
  close(): void;
};

/** The streams of one process. */
export function createStreams(options: {
  database: Database;
  bus: Bus;
  onError: (error: unknown, where: string) => void;
}): Streams {
  const { database, bus, onError } = options;
  const places = createPlaces();
  const inTurn = createTurns(readsAtOnce);
  const executionPoll = createPoll((ids) => eventMarks(database, ids), onError);
  const logPoll = createPoll((ids) => logMarks(database, ids), onError);

  /** Takes a place and opens a stream in it; gives the place back when there is nothing to stream. */
  async function open<Event>(
    { signal, ...whose }: { teamId: string; signal: AbortSignal | undefined; reader: Reader | undefined },
    make: (place: ReturnType<typeof places.take>) => Promise<EventStream<Event> | undefined>,
  ): Promise<EventStream<Event> | undefined> {
    const place = places.take(whose, signal);
    let stream: EventStream<Event> | undefined;
    try {
      stream = await make(place);
    } finally {
      if (!stream) place.leave();
    }
    return stream;
  }

  return {
    events: (teamId, id, { after, signal, reader } = {}) =>
      open({ teamId, signal, reader }, async (place) => {
        if (!(await inTurn(() => hasExecution(database, teamId, id)))) return undefined;
        let last = Number(after ?? 0);
        return follow({
          place,
          sources: [(listener) => bus.subscribe(id, listener), executionPoll.of(id)],
          async read() {
            const page = await inTurn(() => readEvents(database, { teamId, id, after: last }));
            last = Number(page?.events.at(-1)?.id ?? last);
            return page;
          },
        });
      }),
    logs: (teamId, workflowId, { tail, after, signal, reader }) =>
      open({ teamId, signal, reader }, async (place) => {
        const begin = await inTurn(() => placeBefore(database, { teamId, workflowId, tail }));
        if (!begin) return undefined;
        let last = after === undefined ? begin : placeOf(after);
        return follow({
          place,
          sources: [(listener) => bus.subscribe(logsTopic(workflowId), listener), logPoll.of(workflowId)],
          async read() {
            const page = await inTurn(() => readLogs(database, { teamId, workflowId, after: last }));
            if (!page) throw new Refusal('not_found', 'The workflow was deleted.');
            const newest = page?.events.at(-1);
            if (newest) last = placeOf(newest.id);
            return page;
          },
        });
      }),
    close() {
      places.close();
      executionPoll.close();
      logPoll.close();
    },
  };
}
