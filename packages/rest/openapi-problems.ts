import type { oas31, ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { successStatus } from './answer.ts';
import { takesBody } from './input-decoder.ts';
import { hasPrecondition } from './openapi-request.ts';
import { headerReferences } from './openapi-success.ts';
import type { Operation } from './operations.ts';
import { pathParameters } from './path-template.ts';

/** A `code` that a problem may have, and what is always said with it. */
export type ProblemKind = { code: string; status: number; type: string; title: string };

const text = { type: 'string' } as const;

/** The schema of problem details. @see https://www.rfc-editor.org/rfc/rfc9457 */
export function problemSchema(kinds: readonly ProblemKind[] = []): oas31.SchemaObject {
  const codes = kinds.map(({ code }) => code);
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
    properties: {
      type: { ...text, format: 'uri-reference' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: { ...text, description: 'For people.' },
      code: { ...text, description: 'For programs.', ...(codes.length > 0 ? { examples: codes } : {}) },
      requestId: text,
      errors: {
        type: 'array',
        items: { type: 'object', required: ['path', 'message'], properties: { path: text, message: text } },
      },
    },
  };
}

const responses = {
  400: ['BadRequest', 'The request is malformed or its input invalid; `errors` names the fields.'],
  401: ['Unauthenticated', 'Nobody is signed in, or the credentials are no good.'],
  403: ['Forbidden', 'The caller may not do this.'],
  404: ['NotFound', 'There is no such thing, or it belongs to somebody else.'],
  409: ['Conflict', 'It conflicts with what is already there.'],
  412: ['PreconditionFailed', 'It is no longer what `If-Match` names.'],
  413: ['PayloadTooLarge', 'The body is too large.'],
  415: ['UnsupportedMediaType', 'The body is not JSON.'],
  422: ['Unprocessable', 'The idempotency key was used for another request.'],
  429: ['TooManyRequests', 'Too many requests; `Retry-After` says when to come back.'],
  500: ['Internal', 'Something went wrong here; the `requestId` helps to find out what.'],
  503: ['Unavailable', 'It is not available right now; try again in a moment.'],
} as const;

type Status = keyof typeof responses;

const statuses: Status[] = [400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503];

const headersOf: Partial<Record<Status, Record<string, oas31.HeaderObject>>> = {
  401: { 'WWW-Authenticate': { description: 'How to sign in.', schema: { ...text, examples: ['Bearer'] } } },
  429: { 'Retry-After': { description: 'Seconds to wait.', schema: { ...text, examples: ['7'] } } },
};

function exampleOf({ code, status, type, title }: ProblemKind): oas31.ExampleObject {
  const requestId = '5b6f0c1e-8a34-4d53-9a44-0b3f6a1f2c77';
  return { summary: title, value: { type, title, status, detail: `${title}.`, code, requestId } };
}

/**
 * The responses that problems make, by the name under which operations refer to them.
 *
 * @param always the names of the headers that every answer has.
 */
export function problemResponses(
  kinds: readonly ProblemKind[] = [],
  always: readonly string[] = [],
): Record<string, ZodOpenApiResponseObject> {
  return Object.fromEntries(
    statuses.map((status) => {
      const [name, description] = responses[status];
      const own = kinds.filter((kind) => kind.status === status);
      const examples = Object.fromEntries(own.map((kind) => [kind.code, exampleOf(kind)]));
      const media = { schema: { $ref: '#/components/schemas/Problem' }, ...(own.length > 0 ? { examples } : {}) };
      const headers = { ...headersOf[status], ...headerReferences(always) };
      return [name, { description, headers, content: { 'application/problem+json': media } }];
    }),
  );
}

type Known = { problems?: readonly ProblemKind[]; answerHeaders?: Record<string, unknown> };

function declaredKinds(
  { procedure, meta: { errors = [] } }: Operation,
  problems: readonly ProblemKind[],
): ProblemKind[] {
  return errors.map((code) => {
    const kind = problems.find((one) => one.code === code);
    if (!kind) throw new Error(`${procedure} declares the error ${code}, which is not among the problems.`);
    return kind;
  });
}

function isShared(status: number): status is Status {
  return status in responses;
}

/** The response with the codes that an operation declares for a status, named and shown. */
function declaredResponse(
  status: number,
  kinds: readonly ProblemKind[],
  always: readonly string[],
): ZodOpenApiResponseObject {
  const named = kinds.map(({ code, title }) => `\`${code}\` (${title})`).join(', ');
  const usual = isShared(status) ? `${responses[status][1]} ` : '';
  return {
    description: `${usual}Here also by \`code\`: ${named}.`,
    headers: { ...(isShared(status) ? headersOf[status] : {}), ...headerReferences(always) },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(kinds.map((kind) => [kind.code, exampleOf(kind)])),
      },
    },
  };
}

/**
 * The problems that an operation can answer with.
 *
 * @throws Error for a declared code that is not among the known problems.
 */
export function problemsOf(
  operation: Operation,
  { method, path, isKeyed }: { method: string; path: string; isKeyed: boolean },
  { problems = [], answerHeaders = {} }: Known,
): ZodOpenApiResponsesObject {
  const { meta, type } = operation;
  const changes = type === 'mutation';
  const mayHaveBody = takesBody(method) || method === 'DELETE';
  const fits: Record<Status, boolean> = {
    400: true,
    // Also where nobody has to be signed in: credentials that are sent and no good are refused.
    401: true,
    403: changes || meta.permission !== 'public',
    404: pathParameters(path).length > 0,
    409: changes && (meta.permission !== 'public' || successStatus(operation) === 201),
    412: hasPrecondition(operation),
    413: mayHaveBody,
    415: mayHaveBody,
    422: isKeyed,
    429: true,
    500: true,
    503: true,
  };
  const own = statuses.filter((status) => fits[status]);
  const declared = Map.groupBy(declaredKinds(operation, problems), ({ status }) => status);
  return {
    ...Object.fromEntries(own.map((status) => [status, { $ref: `#/components/responses/${responses[status][0]}` }])),
    ...Object.fromEntries(
      [...declared].map(([status, kinds]) => [status, declaredResponse(status, kinds, Object.keys(answerHeaders))]),
    ),
  };
}
