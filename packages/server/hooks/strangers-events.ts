import type { ExecutionEvent } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { EventStream } from '@flowplane/engine/streams/streams';

/** What a webhook's caller may see of the execution: nothing of its steps but what `respond` nodes are there to say. */
type Shown =
  | { event: 'status'; data: { status: string } }
  | { event: 'respond'; data: Json }
  | { event: 'done'; data: { executionId: string; status: string; output: Json } };

/** An event with an id that says of which execution it is, so that the stream can be resumed after it. */
export type StrangersEvent = Shown & { id: string };

function shownOf(executionId: string, { event, data }: ExecutionEvent): Shown | undefined {
  switch (event) {
    case 'status':
      return { event, data: { status: data.status } };
    case 'done':
      return { event, data: { executionId, status: data.status, output: data.output } };
    case 'step': {
      if (data.type !== 'respond' || data.status !== 'completed') return undefined;
      const answer = data.output;
      const body = answer !== null && typeof answer === 'object' && !Array.isArray(answer) ? answer.body : null;
      return { event: 'respond', data: body ?? null };
    }
    default:
      return undefined;
  }
}

/** The events of an execution as its webhook's caller may see them. */
export async function* strangersEvents(
  executionId: string,
  events: EventStream<ExecutionEvent>,
): AsyncGenerator<StrangersEvent, void, undefined> {
  for await (const { id, event } of events) {
    const shown = shownOf(executionId, event);
    if (shown) yield { ...shown, id: `${executionId}:${id}` };
  }
}

/** The execution and the event that an id of {@link strangersEvents} names. */
export function resumedFrom(lastEventId: string): { executionId: string; after: string } | undefined {
  const [, executionId, after] = /^([0-9a-f-]{36}):([0-9]{1,9})$/.exec(lastEventId) ?? [];
  return executionId === undefined || after === undefined ? undefined : { executionId, after };
}
