import { expect, test } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { streamsRouter } from './testing-streams.ts';

const document = openApiDocument(streamsRouter({ pulled: 0, aborted: 0, returned: 0 }), {
  title: 'Streams',
  version: '1',
  prefix: '/api',
  securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
});
const ticks = document.paths?.['/api/v1/ticks/{to}']?.get;

test('a stream is text whose content is a named event, with an example of its text', () => {
  expect(ticks?.responses?.['200']).toHaveProperty('content', {
    'text/event-stream': {
      schema: {
        type: 'string',
        contentMediaType: 'text/event-stream',
        contentSchema: { $ref: '#/components/schemas/Tick' },
      },
      example: 'id: 1\nevent: tick\ndata: {"n":1,"at":"2026-01-31T12:00:00.000Z"}\n\n',
    },
  });
  expect(document.components?.schemas?.Tick).toMatchObject({ type: 'object', description: 'A second went by.' });
});

test('a stream of no named event is text all the same', () => {
  expect(document.paths?.['/api/v1/values']?.get?.responses?.['200']).toHaveProperty(
    'content.text/event-stream.schema.type',
    'string',
  );
});

test('a stream that can be resumed takes Last-Event-ID and may have nothing left', () => {
  expect(ticks?.parameters).toContainEqual({ $ref: '#/components/parameters/LastEventId' });
  expect(document.components?.parameters?.LastEventId).toMatchObject({ name: 'Last-Event-ID', in: 'header' });
  expect(ticks?.responses?.['204']).not.toHaveProperty('content');
  const values = document.paths?.['/api/v1/values']?.get;
  expect(values?.parameters ?? []).toEqual([]);
  expect(values?.responses).not.toHaveProperty('204');
});

test('the WebSocket of a stream is named, its alias is there, and refusals are problems', () => {
  expect(ticks?.description).toContain('`/ws/ticks/{to}`');
  expect(document.paths?.['/api/v1/values']?.get?.description).not.toContain('WebSocket');
  expect(document.paths?.['/api/v1/tocks/{to}']?.get).toMatchObject({ 'x-alias-of': 'ticks' });
  expect(Object.keys(ticks?.responses ?? {})).toEqual(expect.arrayContaining(['400', '401', '404', '429', '500']));
});
