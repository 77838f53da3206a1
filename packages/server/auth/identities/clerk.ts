import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Principal } from '../../context.ts';
import { type LookedUp, trustMs } from '../lookup.ts';
import { type Claims, claimedEmail, firstText, yes } from './claims.ts';
import { ask, expected, type IssuerClient } from './issuer-client.ts';
import { remoteKeys } from './remote-keys.ts';

export type ClerkSettings = {
  /** Clerk's Frontend API: the `iss` of its tokens, where its keys are. */
  frontendUrl: string;
  /** Asks Clerk's Backend API who somebody is whose token does not say. */
  secretKey: string | undefined;
  apiUrl: string;
  /** The origins whose pages may have got a token. */
  allowedOrigins: readonly string[];
};

/** A token of Clerk whose signature is good. */
export type ClerkToken = { subject: string; expiresAt: number; said: ClerkClaims };

export type Clerk = {
  issuer: string;
  allowedOrigins: ReadonlySet<string>;
  keys: ReturnType<typeof remoteKeys>;
  /** By the token itself. */
  verifiedTokens: LRUCache<string, ClerkToken>;
  /** By the subject. */
  principals: LRUCache<string, LookedUp<Principal>>;
  /** Who the holder of a token is. @throws Refusal `unavailable`, as a rejection. */
  claimsOf(token: ClerkToken): Promise<Claims>;
};

/** What an operator may have added to the session token. */
export const clerkClaims = z.object({
  email: z.string().max(500).nullish().catch(null),
  email_verified: yes,
  name: z.string().max(1_000).nullish().catch(null),
});
export type ClerkClaims = z.output<typeof clerkClaims>;

const user = z.object({
  username: z.string().max(500).nullish(),
  first_name: z.string().max(500).nullish(),
  last_name: z.string().max(500).nullish(),
  primary_email_address_id: z.string().nullish(),
  email_addresses: z
    .array(
      z.object({
        id: z.string(),
        email_address: z.string().max(500),
        verification: z.object({ status: z.string() }).nullish(),
      }),
    )
    .max(1_000),
});

const remembered = 10_000;

/** Prepares for tokens of Clerk. Its keys are asked for when the first one comes. */
export function createClerk(settings: ClerkSettings, client: IssuerClient): Clerk {
  const issuer = settings.frontendUrl.replace(/\/+$/, '');
  const api = settings.apiUrl.replace(/\/+$/, '');
  const { title } = client;

  async function askedOf(subject: string, secretKey: string): Promise<ClerkClaims> {
    const url = `${api}/v1/users/${encodeURIComponent(subject)}`;
    const answered = await ask(client, url, { headers: { authorization: `Bearer ${secretKey}` } });
    if (answered.status === 404) return { email: null, email_verified: false, name: null };
    const told = expected(client, url, { ...answered, schema: user });
    const primary = told.email_addresses.find(({ id }) => id === told.primary_email_address_id);
    const fullName = [told.first_name, told.last_name].filter(Boolean).join(' ');
    return {
      email: primary?.email_address ?? null,
      email_verified: primary?.verification?.status === 'verified',
      name: firstText(1_000, fullName, told.username),
    };
  }

  async function claimsOf({ subject, said }: ClerkToken): Promise<Claims> {
    const { secretKey } = settings;
    const known = said.email || secretKey === undefined ? said : await askedOf(subject, secretKey);
    return {
      provider: 'clerk',
      title,
      issuer,
      subject,
      label: firstText(200, known.email, known.name),
      name: firstText(100, known.name),
      email: known.email ? claimedEmail(known.email, known.email_verified) : null,
    };
  }

  return {
    issuer,
    allowedOrigins: new Set(settings.allowedOrigins),
    keys: remoteKeys(client, `${issuer}/.well-known/jwks.json`),
    verifiedTokens: new LRUCache({ max: remembered }),
    principals: new LRUCache({ max: remembered, ttl: trustMs }),
    claimsOf,
  };
}
