import { errorCodes, errorType, isErrorCode } from '@flowplane/contract/errors';
import { openApiDocument } from '@flowplane/rest/openapi';
import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { appRouter } from '@flowplane/server/api';

/** What every path of the REST face starts with. */
export const prefix = '/api/v1';

const tags = [
  { name: 'auth', description: 'Accounts, sessions, tokens and API keys' },
  { name: 'workflows', description: 'Graphs of nodes: drafts, published versions, and running them' },
  { name: 'executions', description: 'Runs of workflows: status, steps, logs, cancelling' },
];

const problems = Object.keys(errorCodes)
  .filter(isErrorCode)
  .map((code) => ({ code, type: errorType(code), status: errorCodes[code].status, title: errorCodes[code].title }));

const idempotency = {
  parameter: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'A text of your own for this change, a UUID say: the same request with the same key within a day is done once and ' +
      'answered the same.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]+$' },
  },
  replayed: {
    name: 'Idempotency-Replayed',
    header: {
      description: '`true` when this is the stored answer to an earlier request with the same `Idempotency-Key`.',
      schema: { type: 'string', const: 'true' },
    },
  },
} as const;

const answerHeaders = {
  'X-Request-Id': {
    description: 'The request’s own `X-Request-Id`, or a new one; it is in the log and in every problem.',
    schema: { type: 'string', maxLength: 64, examples: ['5b6f0c1e-8a34-4d53-9a44-0b3f6a1f2c77'] },
  },
} as const;

/** The OpenAPI document of this instance. */
export function documentOf({ version, publicUrl }: { version: string; publicUrl: string }): OpenApiDocument {
  return openApiDocument(appRouter, {
    title: 'Flowplane',
    version,
    description: 'The typed backend for workflow automation and AI agents.',
    contact: { name: 'Flowplane', url: publicUrl },
    // An SPDX expression for a licence that is not on SPDX's list.
    license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
    prefix,
    serverUrl: publicUrl,
    tags,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'An access token from login, or an API key' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      session: { type: 'apiKey', in: 'cookie', name: 'session', description: 'Set by register and login' },
    },
    problems,
    idempotency,
    answerHeaders,
  });
}
