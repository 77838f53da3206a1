import { isTrackedEnvelope } from '@trpc/server';
import { globalRegistry } from 'zod';
import type { $ZodType } from 'zod/v4/core';
import type { Operation } from './operations.ts';
import { isRecord } from './record.ts';
import { isSchema } from './schema.ts';

/** One event on its way out. The stream can be resumed after an event that has an id. */
export type StreamEvent = { id: string | undefined; event: string | undefined; data: unknown };

/**
 * What a subscription yielded as an event: the id is that of tRPC's `tracked` envelope, and a record with a string `event` and
 * a `data` has a name; anything else is data as it is.
 *
 * @throws Error for an id or a name that no line of an event stream can hold.
 */
export function eventOf(yielded: unknown): StreamEvent {
  const [id, value]: readonly [string | undefined, unknown] = isTrackedEnvelope(yielded)
    ? [yielded[0], yielded[1]]
    : [undefined, yielded];
  const isNamed = isRecord(value) && typeof value.event === 'string' && 'data' in value;
  const event = isNamed ? String(value.event) : undefined;
  if (/[\r\n\0]/.test(`${id}${event}`)) throw new Error('An event has a line break in its id or name.');
  return { id, event, data: isNamed ? value.data : value };
}

/** The schema of a subscription's events: what the metadata of its output says as `eventStream`. */
export function eventSchemaOf({ output }: Operation): $ZodType | undefined {
  const event = output && globalRegistry.get(output)?.eventStream;
  return isSchema(event) ? event : undefined;
}
