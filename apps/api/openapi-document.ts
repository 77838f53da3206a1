import { errorCodes } from '@flowplane/contract/errors';
import { type OpenApiDocument, openApiDocument } from '@flowplane/rest/openapi';
import { appRouter } from '@flowplane/server/api';

/** What every path of the REST face starts with. */
export const prefix = '/api/v1';

const tags = [
  { name: 'auth', description: 'Accounts, sessions, tokens and API keys' },
  { name: 'workflows', description: 'Graphs of nodes: drafts, published versions, and running them' },
  { name: 'executions', description: 'Runs of workflows: status, steps, logs, cancelling' },
];

/** The OpenAPI document of this instance. */
export function documentOf(version: string): OpenApiDocument {
  return openApiDocument(appRouter, {
    title: 'Flowplane',
    version,
    description: 'The typed backend for workflow automation and AI agents.',
    prefix,
    tags,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'An access token from login, or an API key' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      session: { type: 'apiKey', in: 'cookie', name: 'session', description: 'Set by register and login' },
    },
    problemCodes: Object.keys(errorCodes),
  });
}
