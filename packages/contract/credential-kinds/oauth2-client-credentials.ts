import { z } from 'zod';
import { defineKind, line } from '../credential-kind.ts';

/** What a token endpoint takes for the client credentials grant. https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
export const oauth2ClientCredentials = defineKind({
  title: 'OAuth 2 client',
  description: 'A client that gets its access tokens from a token endpoint, which must be on an allowed host',
  values: z
    .strictObject({
      tokenUrl: z
        .url({ protocol: /^https?$/, error: 'must be a URL that starts with https://' })
        .max(2_048)
        .refine((url) => {
          const { username, password } = URL.parse(url) ?? { username: '', password: '' };
          return username === '' && password === '';
        }, 'must not have a user name or password: they belong in clientId and clientSecret')
        .meta({
          title: 'Token URL',
          description: 'The token endpoint',
          examples: ['https://auth.example.com/oauth/token'],
        }),
      clientId: line({ title: 'Client id', description: 'As the provider shows it', examples: ['flows'] }),
      clientSecret: line({
        title: 'Client secret',
        description: 'As the provider showed it',
        examples: ['example-3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKa'],
      }),
      scope: line({ title: 'Scope', description: 'Names separated by spaces', examples: ['orders.read'] }).optional(),
    })
    .meta({ id: 'OAuth2ClientCredentialsValues' }),
  secret: ['clientSecret'],
  urls: ({ tokenUrl }) => [tokenUrl],
});
