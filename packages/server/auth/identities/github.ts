import { z } from 'zod';
import { claimedEmail, firstText } from './claims.ts';
import { exchangeCode } from './exchange-code.ts';
import { askFor, type IssuerClient } from './issuer-client.ts';
import type { Provider } from './provider.ts';

export type GitHubSettings = {
  clientId: string;
  clientSecret: string;
  /** GitHub's own unless it is a GitHub Enterprise Server, or a test. */
  authorizeUrl: string;
  tokenUrl: string;
  apiUrl: string;
};

const user = z.object({
  id: z.int().positive(),
  login: z.string().max(200),
  name: z.string().max(1_000).nullish(),
});

const emails = z
  .array(z.object({ email: z.string().max(500), primary: z.boolean(), verified: z.boolean() }))
  .max(1_000);

/** Sign-in by GitHub. @see https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
export function gitHubProvider(settings: GitHubSettings, client: IssuerClient): Provider {
  const { clientId, clientSecret, authorizeUrl } = settings;
  const { title } = client;
  const api = settings.apiUrl.replace(/\/+$/, '');
  const issuer = new URL(authorizeUrl).origin;
  const endpoint = { url: settings.tokenUrl, clientId, clientSecret, secretInBody: true };
  return {
    name: 'github',
    title,
    issuer,
    clientId,
    scopes: ['read:user', 'user:email'],
    hasNonce: false,
    authorizeUrl: async () => authorizeUrl,
    async identify(grant) {
      const { access_token: token } = await exchangeCode(client, endpoint, grant);
      const headers = {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
      };
      const [{ id, login, name }, addresses] = await Promise.all([
        askFor(client, { url: `${api}/user`, headers, schema: user }),
        askFor(client, { url: `${api}/user/emails`, headers, schema: emails }),
      ]);
      const primary = addresses.find((address) => address.primary);
      return {
        provider: 'github',
        title,
        issuer,
        subject: String(id),
        label: firstText(200, login),
        name: firstText(100, name, login),
        email: primary ? claimedEmail(primary.email, primary.verified) : null,
      };
    },
  };
}
