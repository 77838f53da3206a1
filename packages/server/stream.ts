import { type TrackedEnvelope, tracked } from '@trpc/server';
import { z } from 'zod';
import { asTrpcError } from './trpc-error.ts';

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * The output of a subscription: events that are each checked, and each named by an id after which the stream can be resumed.
 * The event's schema is in the output's metadata as `eventStream`, where REST and OpenAPI find it.
 *
 * @param event the schema of one event: `{event, data}`.
 */
export function stream<Event extends z.ZodType>(event: Event) {
  return z
    .custom<AsyncIterable<TrackedEnvelope<z.input<Event>>>>(isAsyncIterable)
    .transform(async function* (events) {
      try {
        for await (const [id, data] of events) yield tracked(id, event.parse(data));
      } catch (error) {
        throw asTrpcError(error);
      }
    })
    .meta({ eventStream: event });
}
