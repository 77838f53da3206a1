import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { startServer } from '@flowplane/egress/test-server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { IdentitiesOptions } from './identities.ts';

export const client = { id: 'flowplane-tests', secret: 'secret of the tests: +&%' };

/** What was asked for when a code was given. */
type Given = { challenge: string | null; redirectUri: string | null; nonce: string | null };

type Signer = (claims: JWTPayload, header?: { alg?: string; kid?: string; typ?: string }) => Promise<string>;

async function newSigner(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  const sign: Signer = (claims, header) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT', ...header }).sign(privateKey);
  return { jwk, sign };
}

/** The person in front of the browser, as each issuer knows them. */
export function somebody(email = `${randomUUID()}@example.com`, verified = true) {
  const id = Math.floor(Math.random() * 1e9) + 1;
  const login = `user${id}`;
  return {
    gitHub: { id, login, name: 'Ada Lovelace', emails: [{ email, primary: true, verified }] },
    oidc: { sub: randomUUID(), email, email_verified: verified, name: 'Ada Lovelace', preferred_username: login },
  };
}
export type Somebody = ReturnType<typeof somebody>;

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A server that plays GitHub, an issuer of OpenID Connect and Clerk, as strictly as they should be. */
export async function startIssuers() {
  const [oidcKey, clerkKey] = await Promise.all([newSigner('oidc-1'), newSigner('clerk-1')]);
  const given = new Map<string, Given>();
  const tokens = new Map<string, Somebody>();
  const codes = new Map<string, Somebody>();
  const scene = {
    who: somebody(),
    /** The paths on which it fails. */
    failing: new Set<string>(),
    /** What it answers to where one comes from, instead of a code. */
    denying: undefined as string | undefined,
    /** Makes another ID token than it should be. */
    forge: undefined as ((claims: JWTPayload, sign: Signer) => Promise<string>) | undefined,
    /** What it says of itself, instead of what it should. */
    discovery: {},
    /** What Clerk's Backend API knows, by id. */
    clerkUsers: new Map<string, unknown>(),
    /** Whether the email is only for those who ask for it. */
    thinTokens: false,
  };

  function json(response: ServerResponse, body: unknown, status = 200): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  function authorize(response: ServerResponse, query: URLSearchParams): void {
    const redirectUri = query.get('redirect_uri');
    if (query.get('client_id') !== client.id || !redirectUri || query.get('response_type') !== 'code') {
      json(response, { error: 'invalid_request' }, 400);
      return;
    }
    const back = new URL(redirectUri);
    const state = query.get('state');
    if (state !== null) back.searchParams.set('state', state);
    if (scene.denying) {
      back.searchParams.set('error', scene.denying);
    } else {
      const code = randomUUID();
      const challenge = query.get('code_challenge_method') === 'S256' ? query.get('code_challenge') : null;
      given.set(code, { challenge, redirectUri, nonce: query.get('nonce') });
      codes.set(code, scene.who);
      back.searchParams.set('code', code);
    }
    response.writeHead(302, { location: back.href }).end();
  }

  /** Takes a code, if everything of it fits: whose it is, and the nonce that it was asked for with. */
  function take(form: URLSearchParams): { who: Somebody; nonce: string | null } | undefined {
    const code = form.get('code') ?? '';
    const asked = given.get(code);
    const who = codes.get(code);
    given.delete(code);
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    // RFC 9700, section 4.8.2: a verifier for a code that was asked for without a challenge is a sign of an attack.
    const fits = asked?.challenge === challenge && asked.redirectUri === form.get('redirect_uri');
    return asked && who && fits ? { who, nonce: asked.nonce } : undefined;
  }

  async function gitHubToken(response: ServerResponse, form: URLSearchParams): Promise<void> {
    const known = form.get('client_id') === client.id && form.get('client_secret') === client.secret;
    if (!known) return json(response, { error: 'incorrect_client_credentials' });
    const taken = take(form);
    if (!taken) return json(response, { error: 'bad_verification_code', error_description: 'incorrect or expired' });
    const token = `gho_${randomUUID()}`;
    tokens.set(token, taken.who);
    json(response, { access_token: token, token_type: 'bearer', scope: 'read:user,user:email' });
  }

  async function oidcToken(request: IncomingMessage, response: ServerResponse, form: URLSearchParams): Promise<void> {
    const encoded = (part: string) => new URLSearchParams({ '': part }).toString().slice(1);
    const basic = Buffer.from(`${encoded(client.id)}:${encoded(client.secret)}`).toString('base64');
    if (request.headers.authorization !== `Basic ${basic}`) return json(response, { error: 'invalid_client' }, 401);
    const taken = take(form);
    if (!taken) return json(response, { error: 'invalid_grant' }, 400);
    const token = randomUUID();
    tokens.set(token, taken.who);
    const { sub, ...rest } = taken.who.oidc;
    const times = { iat: seconds(), exp: seconds() + 300 };
    const claims = { iss: oidcIssuer, aud: client.id, sub, nonce: taken.nonce, ...times };
    const full = scene.thinTokens ? claims : { ...claims, ...rest };
    const idToken = await (scene.forge ?? ((all, sign) => sign(all)))(full, oidcKey.sign);
    json(response, { access_token: token, token_type: 'Bearer', id_token: idToken });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', base);
    if (scene.failing.has(pathname)) return json(response, { message: 'away' }, 503);
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    const person = tokens.get(bearer);
    const form = async () => new URLSearchParams(await text(request));
    switch (pathname) {
      case '/login/oauth/authorize':
      case '/oidc/authorize':
        return authorize(response, searchParams);
      case '/login/oauth/access_token':
        return gitHubToken(response, await form());
      case '/api/v3/user':
        return person ? json(response, person.gitHub) : json(response, { message: 'Bad credentials' }, 401);
      case '/api/v3/user/emails':
        return person ? json(response, person.gitHub.emails) : json(response, { message: 'Bad credentials' }, 401);
      case '/oidc/.well-known/openid-configuration':
        return json(response, {
          issuer: oidcIssuer,
          authorization_endpoint: `${oidcIssuer}/authorize`,
          token_endpoint: `${oidcIssuer}/token`,
          jwks_uri: `${oidcIssuer}/jwks`,
          userinfo_endpoint: `${oidcIssuer}/userinfo`,
          ...scene.discovery,
        });
      case '/oidc/token':
        return oidcToken(request, response, await form());
      case '/oidc/jwks':
        return json(response, { keys: [oidcKey.jwk] });
      case '/oidc/userinfo':
        return person ? json(response, person.oidc) : json(response, { error: 'invalid_token' }, 401);
      case '/.well-known/jwks.json':
        return json(response, { keys: [clerkKey.jwk] });
    }
    const user = scene.clerkUsers.get(pathname.replace('/v1/users/', ''));
    return user && bearer === client.secret ? json(response, user) : json(response, { error: 'not found' }, 404);
  }

  const server = await startServer((request, response) => {
    handle(request, response).catch((error) => json(response, { error: String(error) }, 500));
  });
  const base = `http://127.0.0.1:${server.port}`;
  const oidcIssuer = `${base}/oidc`;
  const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1'] });
  const errors: string[] = [];

  /** Goes where a browser is sent, says yes there, and comes back with this address. */
  async function approve(url: string): Promise<URL> {
    const answer = await fetch(url, { redirect: 'manual' });
    const location = answer.headers.get('location');
    if (!location) throw new Error(`${answer.status} ${await answer.text()}`);
    return new URL(location);
  }

  /** A session token of Clerk for a fresh subject, unless the claims say otherwise. */
  function clerkToken(claims: JWTPayload = {}, header = {}): Promise<string> {
    const times = { iat: seconds(), nbf: seconds() - 10, exp: seconds() + 60 };
    const own = { iss: base, sub: `user_${randomUUID().replaceAll('-', '')}`, azp: 'https://app.flowplane.test' };
    return clerkKey.sign({ ...own, sid: 'sess_1', v: 2, sts: 'active', ...times, ...claims }, header);
  }

  const options = {
    gitHub: {
      clientId: client.id,
      clientSecret: client.secret,
      authorizeUrl: `${base}/login/oauth/authorize`,
      tokenUrl: `${base}/login/oauth/access_token`,
      apiUrl: `${base}/api/v3`,
    },
    oidc: {
      issuer: oidcIssuer,
      clientId: client.id,
      clientSecret: client.secret,
      scopes: ['openid', 'email', 'profile'],
      title: 'Example Inc.',
    },
    clerk: {
      frontendUrl: base,
      secretKey: client.secret,
      apiUrl: base,
      allowedOrigins: ['https://app.flowplane.test'],
    },
    fetch: egress.fetch,
    onError: (error: Error, title: string) => {
      errors.push(`${title}: ${error.message}`);
    },
  } satisfies IdentitiesOptions;

  /** The same for a process of its own. */
  const settings = {
    GITHUB_CLIENT_ID: client.id,
    GITHUB_CLIENT_SECRET: client.secret,
    GITHUB_AUTHORIZE_URL: options.gitHub.authorizeUrl,
    GITHUB_TOKEN_URL: options.gitHub.tokenUrl,
    GITHUB_API_URL: options.gitHub.apiUrl,
    OIDC_ISSUER: oidcIssuer,
    OIDC_CLIENT_ID: client.id,
    OIDC_CLIENT_SECRET: client.secret,
    CLERK_FRONTEND_URL: base,
    CLERK_SECRET_KEY: client.secret,
    CLERK_API_URL: base,
  };

  return {
    base,
    settings,
    oidcIssuer,
    scene,
    options,
    /** What the operator was told. */
    errors,
    approve,
    clerkToken,
    /** A key of the issuer's own. */
    oidcKey,
    clerkKey,
    requests: server.requests,
    async [Symbol.asyncDispose]() {
      await egress.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
