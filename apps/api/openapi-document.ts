import { errorCodes, errorType, isErrorCode } from '@flowplane/contract/errors';
import { openApiDocument } from '@flowplane/rest/openapi';
import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { appRouter } from '@flowplane/server/api';
import type { Settings } from './settings.ts';

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
    schema: { type: 'string', maxLength: 64 },
  },
} as const;

/** What an operator may change about the docs. */
export type Branding = {
  title: string;
  description: string;
  logoUrl: string | undefined;
  color: string | undefined;
  /** An email address or a web page. */
  contact: string | undefined;
  /** Where people reach this instance; the origin that serves the document when absent. */
  publicUrl: string | undefined;
};

/** The branding that the settings ask for. */
export function brandingOf(settings: Settings): Branding {
  return {
    title: settings.DOCS_TITLE,
    description: settings.DOCS_DESCRIPTION,
    logoUrl: settings.DOCS_LOGO_URL,
    color: settings.DOCS_COLOR,
    contact: settings.DOCS_CONTACT,
    publicUrl: settings.PUBLIC_URL,
  };
}

function contactOf({ title, contact, publicUrl }: Branding) {
  if (contact?.includes('@') && !contact.includes('://')) return { name: title, email: contact };
  const url = contact ?? publicUrl;
  return { name: title, ...(url ? { url } : {}) };
}

/**
 * The OpenAPI document of this instance.
 *
 * @param sessionCookie the name of the cookie that register and login set.
 */
export function documentOf(version: string, branding: Branding, sessionCookie: string): OpenApiDocument {
  const { title, description, logoUrl, publicUrl } = branding;
  return openApiDocument(appRouter, {
    title,
    version,
    description,
    contact: contactOf(branding),
    // An SPDX expression for a licence that is not on SPDX's list.
    license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
    ...(logoUrl ? { logo: { url: logoUrl, altText: title } } : {}),
    prefix,
    ...(publicUrl ? { serverUrl: publicUrl.replace(/\/+$/, '') } : {}),
    tags,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'An access token from login, or an API key' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      session: { type: 'apiKey', in: 'cookie', name: sessionCookie, description: 'Set by register and login' },
    },
    problems,
    idempotency,
    answerHeaders,
  });
}
