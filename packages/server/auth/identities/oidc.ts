import { Refusal } from '@flowplane/contract/errors';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { type Claims, claimedEmail, firstText, yes } from './claims.ts';
import { exchangeCode, type Tokens } from './exchange-code.ts';
import { askFor, away, type IssuerClient } from './issuer-client.ts';
import type { Grant, Provider } from './provider.ts';
import { remoteKeys } from './remote-keys.ts';
import { restAfterFailure } from './rest-after-failure.ts';

export type OidcSettings = {
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  scopes: readonly string[];
};

/** What is signed by a private key: never `none`, and never HS256, whose key we would have to hold as well. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const discoveredForMs = 3_600_000;
const clockTolerance = 30;

const url = z.url({ protocol: /^https?$/ }).max(2_000);
const discovery = z.object({
  issuer: z.string().max(2_000),
  authorization_endpoint: url,
  token_endpoint: url,
  jwks_uri: url,
  userinfo_endpoint: url.optional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
});

const person = z.object({
  sub: z.string().min(1).max(255),
  email: z.string().max(500).nullish().catch(null),
  email_verified: yes,
  name: z.string().max(1_000).nullish().catch(null),
  preferred_username: z.string().max(500).nullish().catch(null),
});
type Person = z.output<typeof person>;

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/+$/, '');
}

/** What an issuer says of itself, and its keys. */
async function discover(settings: OidcSettings, client: IssuerClient) {
  const at = `${withoutSlash(settings.issuer)}/.well-known/openid-configuration`;
  const found = await askFor(client, { url: at, schema: discovery });
  if (withoutSlash(found.issuer) !== withoutSlash(settings.issuer)) {
    throw away(client, new Error(`OIDC_ISSUER is ${settings.issuer}, but calls itself ${found.issuer.slice(0, 200)}`));
  }
  return { ...found, keys: remoteKeys(client, found.jwks_uri) };
}
type Discovered = Awaited<ReturnType<typeof discover>>;

/** Keeps what was discovered for an hour; those who ask meanwhile share one request. */
function keepDiscovered(settings: OidcSettings, client: IssuerClient): () => Promise<Discovered> {
  const load = restAfterFailure(() => discover(settings, client));
  let kept: { at: number; value: Promise<Discovered> } | undefined;
  return () => {
    if (kept && performance.now() - kept.at < discoveredForMs) return kept.value;
    const entry = { at: performance.now(), value: load(undefined) };
    kept = entry;
    entry.value.catch(() => {
      if (kept === entry) kept = undefined;
    });
    return entry.value;
  };
}

function notValid({ title }: IssuerClient): Refusal {
  return new Refusal('unauthenticated', `What ${title} says of you is not valid: begin again.`);
}

/** OpenID Connect Core, section 3.1.3.7, 3 to 5 and 11. */
function isForUs({ aud, azp, nonce }: JWTPayload, clientId: string, expected: string): boolean {
  if (nonce !== expected) return false;
  return Array.isArray(aud) && aud.length > 1 ? azp === clientId : azp === undefined || azp === clientId;
}

async function verified(
  { settings, client, found }: { settings: OidcSettings; client: IssuerClient; found: Discovered },
  idToken: string | undefined,
  nonce: string,
): Promise<Person> {
  const { clientId } = settings;
  const options = { issuer: found.issuer, audience: clientId, algorithms, clockTolerance };
  const required = { requiredClaims: ['exp', 'iat', 'sub', 'nonce'] };
  const { payload } = await jwtVerify(idToken ?? '', found.keys, { ...options, ...required }).catch((error) => {
    if (!(error instanceof errors.JOSEError)) throw error;
    client.onError(error);
    throw notValid(client);
  });
  const { success, data } = person.safeParse(payload);
  if (!success || !isForUs(payload, clientId, nonce)) throw notValid(client);
  return data;
}

/** Issuers may keep the email out of the ID token, for those who ask for it. */
async function withUserInfo(client: IssuerClient, found: Discovered, told: { person: Person; tokens: Tokens }) {
  const { userinfo_endpoint: userInfo } = found;
  if (told.person.email || !userInfo) return told.person;
  const headers = { authorization: `Bearer ${told.tokens.access_token}` };
  const more = await askFor(client, { url: userInfo, headers, schema: person });
  // Section 5.3.2: what is said of somebody else is not to be used.
  if (more.sub !== told.person.sub) throw notValid(client);
  return more;
}

/** Sign-in by an issuer of OpenID Connect. @see https://openid.net/specs/openid-connect-core-1_0.html */
export function oidcProvider(settings: OidcSettings, client: IssuerClient): Provider {
  const { clientId, clientSecret, scopes } = settings;
  const { title } = client;
  const issuer = withoutSlash(settings.issuer);
  const discovered = keepDiscovered(settings, client);

  async function identify(grant: Grant): Promise<Claims> {
    const found = await discovered();
    const methods = found.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const secretInBody = !methods.includes('client_secret_basic');
    const endpoint = { url: found.token_endpoint, clientId, clientSecret, secretInBody };
    const tokens = await exchangeCode(client, endpoint, grant);
    const signed = await verified({ settings, client, found }, tokens.id_token, grant.nonce);
    const { sub, ...said } = await withUserInfo(client, found, { person: signed, tokens });
    return {
      provider: 'oidc',
      title,
      issuer,
      subject: sub,
      label: firstText(200, said.preferred_username, said.email, said.name),
      name: firstText(100, said.name, said.preferred_username),
      email: said.email ? claimedEmail(said.email, said.email_verified) : null,
    };
  }

  return {
    name: 'oidc',
    title,
    issuer,
    clientId,
    scopes,
    hasNonce: true,
    authorizeUrl: async () => (await discovered()).authorization_endpoint,
    identify,
  };
}
