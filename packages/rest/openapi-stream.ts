import { z } from 'zod';
import type { ZodOpenApiResponsesObject } from 'zod-openapi';
import { headerReferences } from './openapi-success.ts';
import type { Operation } from './operations.ts';
import { isRecord } from './record.ts';
import { eventSchemaOf } from './stream-event.ts';
import { isResumable } from './stream-input.ts';

const mediaType = 'text/event-stream';

/** The successes of a subscription. */
export function streamSuccessOf(operation: Operation, always: readonly string[]): ZodOpenApiResponsesObject {
  const { statusDescriptions } = operation.meta;
  const headers = headerReferences(always);
  const events = {
    description: statusDescriptions?.[200] ?? 'The events as they happen, until the last one.',
    headers,
    content: { [mediaType]: { schema: eventSchemaOf(operation) ?? z.unknown() } },
  };
  const over = {
    description: 'Nothing comes after the event that `Last-Event-ID` names. An EventSource does not connect again.',
    headers,
  };
  return { 200: events, ...(isResumable(operation) ? { 204: over } : {}) };
}

/** What the description of a subscription says besides. */
export function streamNotes({ meta, type }: Operation): string[] {
  if (type !== 'subscription') return [];
  const { websocket } = meta;
  const twin = `The WebSocket \`${websocket}\` carries the same events as JSON text messages \`{"id", "event", "data"}\`.`;
  return [
    'A line that begins with a colon is a sign of life. The stream may end before the last event: connect again, with the ' +
      'id of the last event as `Last-Event-ID`, as an EventSource does by itself. HEAD answers the same without any event.',
    ...(websocket ? [twin] : []),
  ];
}

function choicesOf(schema: unknown, components: Record<string, unknown>): unknown[] {
  if (!isRecord(schema)) return [];
  if (typeof schema.$ref === 'string') return choicesOf(components[schema.$ref.split('/').at(-1) ?? ''], components);
  const choices = schema.oneOf ?? schema.anyOf;
  return Array.isArray(choices) ? choices : [schema];
}

function linesOf(value: unknown, id: number): string {
  const isNamed = isRecord(value) && typeof value.event === 'string' && 'data' in value;
  const name = isNamed ? `event: ${value.event}\n` : '';
  return `id: ${id}\n${name}data: ${JSON.stringify(isNamed ? value.data : value)}\n\n`;
}

/**
 * Turns the event's schema of a stream into that of the stream, as OpenAPI 3.1 has no word for the items of a sequence: it is
 * text, of which `contentSchema` says what is in it. The example shows up to three kinds of event.
 *
 * @param sample makes an example of a schema.
 */
export function describeStream(
  content: Record<string, unknown>,
  components: Record<string, unknown>,
  sample: (schema: unknown) => unknown,
): void {
  const media = content[mediaType];
  if (!isRecord(media)) return;
  const choices = choicesOf(media.schema, components).slice(0, 3);
  media.example = choices.map((choice, i) => linesOf(sample(choice), i + 1)).join('');
  media.schema = { type: 'string', contentMediaType: mediaType, contentSchema: media.schema };
}
