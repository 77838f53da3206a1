import { initTRPC } from '@trpc/server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RestMeta } from './meta.ts';
import { openApiDocument } from './openapi.ts';

const t = initTRPC.meta<RestMeta>().create();
const at = { tags: ['Things'], summary: 'Run it' };
const kinds = [
  { code: 'conflict', status: 409, type: 'urn:conflict', title: 'Conflict' },
  { code: 'not_published', status: 409, type: 'urn:not-published', title: 'It is not published' },
  { code: 'gone', status: 410, type: 'urn:gone', title: 'It is gone' },
];

function responsesWith(errors: string[]) {
  const router = t.router({
    run: t.procedure
      .meta({ openapi: { method: 'POST', path: '/run', ...at }, errors })
      .output(z.object({}))
      .mutation(() => ({})),
  });
  const options = { title: 'T', version: '1', prefix: '/api', securitySchemes: {}, problems: kinds };
  return openApiDocument(router, options).paths?.['/api/v1/run']?.post?.responses;
}

test('an operation names the codes that it declares, with an example each, under their statuses', () => {
  const responses = responsesWith(['not_published', 'gone']);
  expect(responses?.['409']).toMatchObject({
    description: expect.stringContaining('`not_published` (It is not published)'),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: { not_published: { value: { code: 'not_published', status: 409, type: 'urn:not-published' } } },
      },
    },
  });
  expect(responses?.['410']).toMatchObject({ description: expect.stringContaining('`gone`') });
  expect(responses?.['400']).toEqual({ $ref: '#/components/responses/BadRequest' });
});

test('an operation that declares none shares its responses with others', () => {
  expect(responsesWith([])?.['409']).toEqual({ $ref: '#/components/responses/Conflict' });
});

test('a code that is not among the problems cannot be documented', () => {
  expect(() => responsesWith(['nope'])).toThrow('run declares the error nope');
});
