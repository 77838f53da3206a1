import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { tokenPath } from './oauth-token.ts';

type Schema = NonNullable<NonNullable<OpenApiDocument['components']>['schemas']>[string];

const text: Schema = { type: 'string' };

const failure: Schema = {
  type: 'object',
  required: ['error'],
  properties: { error: text, error_description: text },
};

const tokens: Schema = {
  type: 'object',
  required: ['access_token', 'token_type', 'expires_in', 'refresh_token'],
  properties: {
    access_token: text,
    token_type: { type: 'string', const: 'Bearer' },
    expires_in: { type: 'integer', minimum: 0, description: 'Seconds' },
    refresh_token: text,
  },
};

const form: Schema = {
  type: 'object',
  required: ['grant_type'],
  properties: {
    grant_type: { type: 'string', enum: ['password', 'refresh_token'] },
    username: { type: 'string', description: 'The email, for the grant `password`' },
    password: text,
    refresh_token: { type: 'string', description: 'For the grant `refresh_token`' },
  },
};

const faults: Record<string, string> = {
  400: 'The request or the grant is not valid.',
  413: 'The body is too large.',
  415: 'The body is of another media type.',
  429: 'Too many attempts; `Retry-After` says when to come back.',
  500: 'Something went wrong on our side.',
  503: 'Not available right now; `Retry-After` says when to come back.',
};

function faultResponse(description: string, error: string) {
  const example = { error, error_description: description.replaceAll('`', '') };
  return { description, content: { 'application/json': { schema: failure, example } } };
}

/** Adds the one operation that is no procedure, because OAuth 2.0 says how it looks. */
export function addOAuthToken(document: OpenApiDocument): OpenApiDocument {
  const responses = Object.entries(faults).map(([status, description]) => {
    const error =
      status === '500' ? 'server_error' : Number(status) > 415 ? 'temporarily_unavailable' : 'invalid_request';
    return [status, faultResponse(description, error)];
  });
  document.paths = {
    ...document.paths,
    [tokenPath]: {
      post: {
        operationId: 'oauth.token',
        tags: ['auth'],
        summary: 'Get tokens as OAuth 2.0 has it',
        description: 'The grants `password` and `refresh_token` of RFC 6749, for public clients.\n\nNeeds no sign-in.',
        security: [],
        requestBody: {
          required: true,
          content: {
            'application/x-www-form-urlencoded': {
              schema: form,
              example: {
                grant_type: 'password',
                username: 'ada@example.com',
                password: 'correct horse battery staple',
              },
            },
          },
        },
        responses: {
          200: {
            description: 'Tokens of a new session, or new ones of the old.',
            content: {
              'application/json': {
                schema: tokens,
                example: {
                  access_token: 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln',
                  token_type: 'Bearer',
                  expires_in: 1_800,
                  refresh_token: 'fpr_q1Zr0m3kE0xT5s8wY2vB7nC4dF6gH9jKq1Zr0m3kE0xT',
                },
              },
            },
          },
          ...Object.fromEntries(responses),
        },
      },
    },
  };
  return document;
}
