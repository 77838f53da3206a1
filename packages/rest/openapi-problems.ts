import type { oas31, ZodOpenApiResponsesObject } from 'zod-openapi';
import { takesBody } from './input-decoder.ts';
import type { Operation } from './operations.ts';
import { pathParameters } from './path-template.ts';

const meanings = {
  400: 'The request is malformed or its input invalid; `errors` names the fields.',
  401: 'Nobody is signed in.',
  403: 'The caller may not do this.',
  404: 'There is no such thing, or it belongs to somebody else.',
  409: 'It conflicts with what is already there.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'It is well-formed but cannot be done.',
  429: 'Too many requests; `Retry-After` says when to come back.',
  500: 'Something went wrong here; the `requestId` helps to find out what.',
};

type Status = keyof typeof meanings;

const text = { type: 'string' } as const;

/** The schema of problem details. @see https://www.rfc-editor.org/rfc/rfc9457 */
export function problemSchema(codes: readonly string[] = []): oas31.SchemaObject {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
    properties: {
      type: { ...text, format: 'uri-reference' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: { ...text, description: 'For people.' },
      code: { ...text, description: 'For programs.', ...(codes.length > 0 ? { examples: [...codes] } : {}) },
      requestId: text,
      errors: {
        type: 'array',
        items: { type: 'object', required: ['path', 'message'], properties: { path: text, message: text } },
      },
    },
  };
}

const names: Record<Status, string> = {
  400: 'BadRequest',
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Unprocessable',
  429: 'TooManyRequests',
  500: 'Internal',
};

const headersOf: Partial<Record<Status, Record<string, { description: string; schema: typeof text }>>> = {
  401: { 'WWW-Authenticate': { description: 'How to sign in.', schema: text } },
  429: { 'Retry-After': { description: 'Seconds to wait.', schema: text } },
};

const statuses: Status[] = [400, 401, 403, 404, 409, 413, 415, 422, 429, 500];

/** The responses that problems make, by the name under which operations refer to them. */
export function problemResponses() {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.fromEntries(
    statuses.map((status) => [names[status], { description: meanings[status], headers: headersOf[status], content }]),
  );
}

/** The problems that an operation can answer with. */
export function problemsOf(
  { meta, type }: Operation,
  { method, path }: { method: string; path: string },
): ZodOpenApiResponsesObject {
  const fits: Record<Status, boolean> = {
    400: true,
    401: meta.permission !== 'public',
    403: meta.permission !== 'public',
    404: pathParameters(path).length > 0,
    409: type === 'mutation',
    413: takesBody(method),
    415: takesBody(method),
    422: type === 'mutation',
    429: true,
    500: true,
  };
  const own = statuses.filter((status) => fits[status]);
  return Object.fromEntries(own.map((status) => [status, { $ref: `#/components/responses/${names[status]}` }]));
}
