import { signInProvider } from '@flowplane/contract/identity';
import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { callbackPath } from './identity-callback.ts';

const titles = { github: 'GitHub', oidc: 'OpenID Connect' };

const description = [
  'The provider sends the browser here. `state` is good once, within ten minutes, and only with the cookie that came with it.',
  'Who does not ask for `text/html` gets what `POST /auth/login` answers, or the identity that was linked.',
  'Needs no sign-in.',
].join('\n\n');

const query = {
  state: ['What the provider was given', 'q1Zr0m3kE0xT5s8wY2vB7nC4dF6gH9jKaE4uI1oM0xB'],
  code: ['What the provider gives', '3a7f1c9e5b2d8046'],
  error: ['What the provider says instead of a code', 'access_denied'],
  iss: ['Who answers (RFC 9207)', 'https://id.example.com'],
} as const;

const responses = {
  400: 'BadRequest',
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'Internal',
  503: 'Unavailable',
};

/** What signing in answers everywhere. */
function signedInExample(document: OpenApiDocument): unknown {
  const login = document.paths?.['/api/v1/auth/login']?.post?.responses?.['200'];
  return login && 'content' in login ? login.content?.['application/json']?.example : undefined;
}

/** A problem as everywhere, and as the page that browsers are shown. */
function withPage(document: OpenApiDocument, name: string): object {
  const shared = document.components?.responses?.[name];
  if (!shared || !('content' in shared)) throw new Error(`the document has no response ${name}`);
  const page = { schema: { type: 'string' }, example: '<!doctype html>…' };
  return { ...shared, content: { ...shared.content, 'text/html': page } };
}

/** Adds the callbacks, which are no procedures, because browsers come to them. */
export function addIdentityCallbacks(document: OpenApiDocument): OpenApiDocument {
  const example = signedInExample(document);
  const refusals = Object.entries(responses).map(([status, name]) => [status, withPage(document, name)]);
  const paths = signInProvider.options.map((provider) => [
    callbackPath(provider),
    {
      get: {
        operationId: `auth.${provider}.callback`,
        tags: ['auth'],
        summary: `Come back from ${titles[provider]}`,
        description,
        security: [],
        parameters: Object.entries(query).map(([name, [text, value]]) => ({
          name,
          in: 'query',
          description: text,
          ...(name === 'state' ? { required: true } : {}),
          schema: { type: 'string' },
          example: value,
        })),
        responses: {
          200: {
            description: 'Signed in, or linked.',
            content: {
              'application/json': {
                schema: {
                  anyOf: [{ $ref: '#/components/schemas/SignedIn' }, { $ref: '#/components/schemas/Identity' }],
                },
                example,
              },
            },
          },
          303: {
            description: 'The same for a browser, with the session cookie.',
            headers: {
              Location: { description: 'Where it goes on.', schema: { type: 'string', format: 'uri' } },
            },
          },
          ...Object.fromEntries(refusals),
        },
      },
    },
  ]);
  document.paths = { ...document.paths, ...Object.fromEntries(paths) };
  return document;
}
