import type { Client, Execution, ExecutionEvent } from './api.ts';
import type { CallOptions } from './call-options.ts';
import { pause } from './pause.ts';
import type { StreamOptions } from './stream-options.ts';

/** Milliseconds between two looks at an execution: the first, and the longest. */
const first = 100;
const longest = 2_000;

/** What can be done with an execution that was just started. */
export type ExecutionMethods = {
  /** The execution once it has ended, well or not: see its `status`. Ask with `AbortSignal.timeout(…)` to wait so long. */
  wait(options?: CallOptions): Promise<Execution>;
  /** What happens in the execution, from its start or after `lastEventId`, until it has ended. */
  events(options?: StreamOptions & { lastEventId?: string | undefined }): AsyncIterable<ExecutionEvent>;
  /** Ends the execution for good. Rejects with `already_finished` when it has completed or failed. */
  cancel(options?: CallOptions): Promise<Execution>;
};

/** An execution that was just started: its data, and methods that JSON, spreading and `structuredClone` leave out. */
export type ExecutionHandle = Execution & ExecutionMethods;

function isFinal({ status }: Execution): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

// Not a handle beside the execution: whoever takes `execution.output` need not know of it. Not enumerable: the execution
// stays the plain value that is logged, compared and stored.
function addMethods(execution: Execution, methods: ExecutionMethods): asserts execution is ExecutionHandle {
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(execution, name, { value });
}

/** Adds the methods to an execution. */
export function withMethods(
  execution: Execution,
  executions: Pick<Client['executions'], 'get' | 'cancel' | 'events'>,
): ExecutionHandle {
  const { id } = execution;

  // By looking and not by the stream: a look needs no connection of its own (browsers have six to a host), is batched with the
  // looks of others, and gets through proxies that hold streams back.
  async function wait(options: CallOptions = {}): Promise<Execution> {
    let latest = isFinal(execution) ? execution : await executions.get({ id }, options);
    for (let wait = first; !isFinal(latest); wait = Math.min(wait * 1.5, longest)) {
      await pause(wait, options.signal);
      latest = await executions.get({ id }, options);
    }
    return latest;
  }

  addMethods(execution, {
    wait,
    events: ({ lastEventId, ...options } = {}) => executions.events({ id, lastEventId }, options),
    cancel: (options) => executions.cancel({ id }, options),
  });
  return execution;
}
