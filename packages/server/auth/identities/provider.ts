import type { SignInProvider } from '@flowplane/contract/identity';
import type { Claims } from './claims.ts';

/** What came back with the browser, and what proves that it is ours. */
export type Grant = { code: string; verifier: string; nonce: string; redirectUri: string };

/** What the one way through every provider needs to know of one. */
export type Provider = {
  name: SignInProvider;
  /** As people know it. */
  title: string;
  /** Who vouches for its identities. */
  issuer: string;
  clientId: string;
  scopes: readonly string[];
  /** Whether it repeats a nonce in what it signs. */
  hasNonce: boolean;
  /** Where the browser is sent. @throws Refusal `unavailable`, as a rejection, when that cannot be found out. */
  authorizeUrl(): Promise<string>;
  /** Exchanges a code for who came. @throws Refusal, as a rejection: `unauthenticated` for a code that is no good, `unavailable`. */
  identify(grant: Grant): Promise<Claims>;
};
