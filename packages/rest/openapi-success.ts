import type { oas31, ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { successStatus } from './answer.ts';
import type { Operation } from './operations.ts';

/** The response headers that the package itself sends. */
export const ownHeaders = {
  ETag: {
    description: 'Names this version, for `If-None-Match` and `If-Match`.',
    schema: { type: 'string', examples: ['"3"'] },
  },
  Location: {
    description: 'Where it is.',
    schema: { type: 'string', format: 'uri-reference' },
  },
  Deprecation: {
    description: 'Since when it is deprecated: `@` and seconds of Unix time (RFC 9745).',
    schema: { type: 'string', pattern: '^@\\d+$', examples: ['@1767225600'] },
  },
  Sunset: {
    description: 'When it goes (RFC 8594).',
    schema: { type: 'string', examples: ['Wed, 01 Jul 2026 00:00:00 GMT'] },
  },
  Link: {
    description: 'What to use instead, as `rel="successor-version"`.',
    schema: { type: 'string', examples: ['</api/v2/things>; rel="successor-version"'] },
  },
} as const satisfies Record<string, oas31.HeaderObject>;

const descriptions = { 200: 'Done.', 201: 'Made.', 202: 'Accepted; it goes on.', 204: 'Done; no body.' };

/** References to some of the document's headers. */
export function headerReferences(names: readonly string[]): Record<string, oas31.ReferenceObject> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/**
 * The successes that an operation can answer with, and 304 where it has an `ETag` to compare.
 *
 * @param always the names of the headers that every answer of this operation has.
 */
export function successOf(operation: Operation, always: readonly string[]): ZodOpenApiResponsesObject {
  const { output, meta, type } = operation;
  const usual = successStatus(operation);
  const success = (status: typeof usual): ZodOpenApiResponseObject => {
    const hasBody = status !== 204 && output !== undefined;
    const example = status === 204 ? undefined : meta.exampleFields?.[status];
    const hasLocation = status === 201 || (status === 202 && meta.location);
    const names = [...(hasLocation ? ['Location'] : []), ...(hasBody && meta.etag ? ['ETag'] : []), ...always];
    return {
      description: meta.statusDescriptions?.[status] ?? descriptions[status],
      headers: headerReferences(names),
      ...(hasBody ? { content: { 'application/json': { schema: output, ...(example ? { example } : {}) } } } : {}),
    };
  };
  const unchanged = { description: 'The caller has it already.', headers: headerReferences(['ETag', ...always]) };
  return {
    [usual]: success(usual),
    ...(meta.otherStatus ? { [meta.otherStatus]: success(meta.otherStatus) } : {}),
    ...(type === 'query' && meta.etag ? { 304: unchanged } : {}),
  };
}
