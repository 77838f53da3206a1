import type { Named } from '../streams/follow.ts';
import type { EventStream } from '../streams/streams.ts';

/** Everything of a stream that ends by itself. */
export async function all<Event>(stream: EventStream<Event> | undefined): Promise<Named<Event>[]> {
  const events: Named<Event>[] = [];
  for await (const event of there(stream)) events.push(event);
  return events;
}

/** The next so many events. */
export async function take<Event>(stream: EventStream<Event> | undefined, count: number): Promise<Named<Event>[]> {
  const events: Named<Event>[] = [];
  while (events.length < count) {
    const { value } = await there(stream).next();
    if (!value) throw new Error(`The stream ended after ${events.length} of ${count} events`);
    events.push(value);
  }
  return events;
}

export function there<Event>(stream: EventStream<Event> | undefined): EventStream<Event> {
  if (!stream) throw new Error('There is nothing to stream');
  return stream;
}
