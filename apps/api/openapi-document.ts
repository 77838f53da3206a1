import { errorCodes, errorType, isErrorCode } from '@flowplane/contract/errors';
import { openApiDocument } from '@flowplane/rest/openapi';
import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { appRouter } from '@flowplane/server/api';
import { addIdentityCallbacks } from './identity-callback-document.ts';
import { addOAuthToken } from './oauth-token-document.ts';
import type { Settings } from './settings.ts';

/** What every path of the REST face starts with, before the version. */
export const prefix = '/api';

const tags = [
  { name: 'auth', description: 'Sessions, tokens and API keys' },
  { name: 'users', description: 'The caller’s own account' },
  { name: 'teams', description: 'Who works together: members, invitations, and roles of their own' },
  { name: 'workflows', description: 'Graphs of nodes: drafts, published versions, and running them' },
  { name: 'executions', description: 'Runs of workflows: status, steps, logs, cancelling, restarting' },
  { name: 'approvals', description: 'Decisions that workflows wait for' },
  {
    name: 'credentials',
    description: 'Secrets for other services: kept encrypted, never shown, sent to their hosts only',
  },
  { name: 'schedules', description: 'When workflows with schedules run next; pausing them' },
  { name: 'events', description: 'What happened elsewhere, for workflows to react to' },
  { name: 'audit', description: 'Who did what in the team' },
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
    schema: { type: 'string' as const, maxLength: 64 },
  },
  RateLimit: {
    description:
      'How far the caller’s limits are used up, each by its name: `r` calls remain for the next `t` seconds. Absent without limits.',
    schema: { type: 'string' as const, examples: ['"minute";r=59;t=60, "hour";r=941;t=1800'] },
  },
  'RateLimit-Policy': {
    description:
      'The caller’s limits, each by its name: `q` calls in `w` seconds (draft-ietf-httpapi-ratelimit-headers).',
    schema: { type: 'string' as const, examples: ['"minute";q=60;w=60, "hour";q=1000;w=3600'] },
  },
};

const teamChoice = {
  name: 'X-Team-Id',
  in: 'header',
  description:
    'Another of the user’s teams than that of the session; an API key is of one team, which alone it may name.',
  schema: { type: 'string', format: 'uuid' },
} as const;

/** Whoever is signed in may choose a team for each request. */
function addTeamChoice(document: OpenApiDocument): void {
  document.components = {
    ...document.components,
    parameters: { ...document.components?.parameters, TeamId: teamChoice },
  };
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of [path.get, path.post, path.put, path.patch, path.delete]) {
      if (!operation?.security?.length) continue;
      operation.parameters = [...(operation.parameters ?? []), { $ref: '#/components/parameters/TeamId' }];
    }
  }
}

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
  const document = openApiDocument(appRouter, {
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
  addTeamChoice(document);
  return addIdentityCallbacks(addOAuthToken(document));
}
