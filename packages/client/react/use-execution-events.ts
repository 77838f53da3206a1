import { useEffect, useState } from 'react';
import type { Client, ExecutionEvent } from '../api.ts';
import { type ExecutionView, emptyView, gatherEvents } from './execution-view.ts';

type Executions = Pick<Client['executions'], 'events'>;

/** Milliseconds between two renderings at least: an execution that is taken up late tells all its steps at once. */
const frame = 16;

const idle = emptyView('idle');
const connecting = emptyView('connecting');

/** Follows an execution until it ends or `signal` aborts, and shows what is known of it now and then. */
async function follow(
  executions: Executions,
  { id, maxLogs, show }: { id: string; maxLogs: number; show: (view: ExecutionView) => void },
  signal: AbortSignal,
): Promise<void> {
  const gathered = gatherEvents(maxLogs);
  let waiting: ExecutionEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function showNow(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) gathered.take(waiting);
    waiting = [];
    if (!signal.aborted) show(gathered.view());
  }

  function change(more: Partial<ExecutionView>): void {
    gathered.set(more);
    showNow();
  }

  try {
    const events = executions.events(
      { id },
      {
        signal,
        onConnection: (now) =>
          change(
            now.open ? { connection: 'open', error: undefined } : { connection: 'reconnecting', error: now.error },
          ),
      },
    );
    for await (const event of events) {
      waiting.push(event);
      timer ??= setTimeout(showNow, frame);
    }
    change({ connection: 'ended' });
  } catch (error) {
    change({ connection: 'failed', error });
  }
}

/**
 * Follows an execution while the component is mounted: its status, steps and logs as they come, over lost connections too.
 *
 * @param id of the execution; nothing is followed without one.
 * @param options `maxLogs`: how many of the latest lines are kept; 1,000 when absent.
 */
export function useExecutionEvents(
  client: { executions: Executions },
  id: string | undefined,
  { maxLogs = 1_000 }: { maxLogs?: number } = {},
): ExecutionView {
  const { executions } = client;
  const [shown, setShown] = useState<{ executions: Executions; id: string; view: ExecutionView }>();

  useEffect(() => {
    if (id === undefined) return;
    const controller = new AbortController();
    // Not at once: StrictMode unmounts what it has just mounted, which is not worth a request.
    queueMicrotask(() => {
      const show = (view: ExecutionView) => setShown({ executions, id, view });
      if (!controller.signal.aborted) follow(executions, { id, maxLogs, show }, controller.signal);
    });
    return () => controller.abort();
  }, [executions, id, maxLogs]);

  if (id === undefined) return idle;
  return shown?.id === id && shown.executions === executions ? shown.view : connecting;
}
