import { Refusal } from '@flowplane/contract/errors';
import type { SignInProvider, signInProviders } from '@flowplane/contract/identity';
import type { GuardedFetch } from '@flowplane/egress/guarded-fetch';
import type { z } from 'zod';
import { type Clerk, type ClerkSettings, createClerk } from './clerk.ts';
import { type GitHubSettings, gitHubProvider } from './github.ts';
import { type OidcSettings, oidcProvider } from './oidc.ts';
import type { Provider } from './provider.ts';

/** The issuers whose word counts. */
export type Identities = { providers: { [Name in SignInProvider]?: Provider }; clerk: Clerk | undefined };

export type IdentitiesOptions = {
  gitHub?: GitHubSettings | undefined;
  oidc?: (OidcSettings & { title: string }) | undefined;
  clerk?: ClerkSettings | undefined;
  fetch: GuardedFetch;
  /** Told of answers of issuers that the operator should know of. */
  onError: (error: Error, title: string) => void;
};

/** Prepares the issuers that are set up. None is asked before somebody comes. */
export function createIdentities(options: IdentitiesOptions | undefined): Identities {
  if (!options) return { providers: {}, clerk: undefined };
  const { gitHub, oidc, clerk, fetch, onError } = options;
  const client = (title: string) => ({ title, fetch, onError: (error: Error) => onError(error, title) });
  return {
    providers: {
      ...(gitHub ? { github: gitHubProvider(gitHub, client('GitHub')) } : {}),
      ...(oidc ? { oidc: oidcProvider(oidc, client(oidc.title)) } : {}),
    },
    clerk: clerk && createClerk(clerk, client('Clerk')),
  };
}

const howToSetUp: Record<SignInProvider, string> = {
  github: 'Sign-in by GitHub is not set up here: the operator sets GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET.',
  oidc: 'Sign-in by OpenID Connect is not set up here: the operator sets OIDC_ISSUER and OIDC_CLIENT_ID.',
};

/** @throws Refusal `not_configured`. */
export function providerOf({ providers }: Identities, name: SignInProvider): Provider {
  const provider = providers[name];
  if (!provider) throw new Refusal('not_configured', howToSetUp[name]);
  return provider;
}

/** The providers that people can be sent to. */
export function listProviders({ providers }: Identities): z.output<typeof signInProviders> {
  const items = [providers.github, providers.oidc].flatMap((provider) => provider ?? []);
  return { items: items.map(({ name, title }) => ({ provider: name, name: title })) };
}
