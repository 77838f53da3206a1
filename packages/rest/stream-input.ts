import type { FastifyRequest } from 'fastify';
import { inputDecoder } from './input-decoder.ts';
import { inputShape } from './input-shape.ts';
import type { Operation } from './operations.ts';
import { recordOf } from './record.ts';
import { RestError } from './rest-error.ts';

/** The input's field that says after which event a stream goes on, as tRPC's clients fill it. */
const field = 'lastEventId';

/** Whether a subscription can go on after an event. */
export function isResumable({ inputs }: Operation): boolean {
  return inputShape(inputs)?.fields.has(field) === true;
}

function lastEventIdOf({ headers }: FastifyRequest): string | undefined {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && /^[\x20-\x7e]{1,200}$/.test(id)) return id;
  throw new RestError('bad_request', 'Last-Event-ID must be an id that this stream gave, at most 200 characters.');
}

/**
 * Prepares how requests become a subscription's input. `Last-Event-ID` wins over the query parameter `lastEventId`.
 *
 * @param path the template of the route.
 * @returns the input, and whether only what comes after an event is asked for. Throws RestError.
 */
export function streamInput(operation: Operation, path: string) {
  const inputOf = inputDecoder(operation, path);
  const resumable = isResumable(operation);
  return (request: FastifyRequest): { input: unknown; isResumed: boolean } => {
    const id = lastEventIdOf(request);
    const asked = recordOf(request.query);
    const query = resumable && id !== undefined ? { ...asked, [field]: id } : asked;
    const input = inputOf({ params: recordOf(request.params), query, body: request.body });
    return { input, isResumed: query[field] !== undefined };
  };
}
