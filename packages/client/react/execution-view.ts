import type { Execution, ExecutionEvent, LogLine, Step } from '../api.ts';

/** What is known of an execution that is followed. */
export type ExecutionView = {
  /** `idle` without an id, `ended` after the last event, `failed` when the stream was refused: see `error`. */
  connection: 'idle' | 'connecting' | 'open' | 'reconnecting' | 'ended' | 'failed';
  /** The latest status; undefined until it is known. */
  status: Execution['status'] | undefined;
  /** The whole execution, once it has ended. */
  execution: Execution | undefined;
  /** The latest of each step, in the order in which they began. */
  steps: Step[];
  /** The latest lines, oldest first. */
  logs: LogLine[];
  /** Why the stream failed, or was lost last while it is being opened again. */
  error: unknown;
};

/** What is known before the first event. */
export function emptyView(connection: ExecutionView['connection']): ExecutionView {
  return { connection, status: undefined, execution: undefined, steps: [], logs: [], error: undefined };
}

/** Gathers events into views. */
export type Gathering = {
  view: () => ExecutionView;
  /** Takes what is known besides the events. */
  set: (more: Partial<ExecutionView>) => void;
  take: (events: ExecutionEvent[]) => void;
};

/**
 * A gathering of the events of one execution. A view's `steps` and `logs` are the same arrays as long as they do not change.
 *
 * @param maxLogs how many of the latest lines are kept.
 */
export function gatherEvents(maxLogs: number): Gathering {
  const steps = new Map<string, Step>();
  const logs: LogLine[] = [];
  let view = emptyView('connecting');

  return {
    view: () => view,
    set(more) {
      view = { ...view, ...more };
    },
    take(events) {
      let status = view.status;
      let execution = view.execution;
      for (const { event, data } of events) {
        if (event === 'step') steps.set(data.path, data);
        if (event === 'log') logs.push(data);
        if (event === 'status' || event === 'done') status = data.status;
        if (event === 'done') execution = data;
      }
      logs.splice(0, Math.max(0, logs.length - maxLogs));
      const has = (name: string) => events.some(({ event }) => event === name);
      view = {
        ...view,
        status,
        execution,
        steps: has('step') ? [...steps.values()] : view.steps,
        logs: has('log') ? [...logs] : view.logs,
      };
    },
  };
}
