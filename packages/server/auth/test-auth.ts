import { randomUUID } from 'node:crypto';
import { registerInput } from '@flowplane/contract/auth';
import { type Database, openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { callTRPCProcedure } from '@trpc/server';
import type { Principal, ResponseHints } from '../context.ts';
import { createMailer } from '../mail/mailer.ts';
import { router } from '../trpc.ts';
import { register } from './accounts.ts';
import { type Auth, type AuthOptions, createAuth } from './auth.ts';
import { authenticate } from './authenticate.ts';
import { authRouter } from './router.ts';

export const testOptions = {
  secretKey: 'a secret key of tests, long enough',
  secureCookies: true,
  issuer: 'https://flowplane.test',
  allowedOrigins: ['https://app.flowplane.test'],
};

export const password = 'correct horse battery';
export const from = { ip: '203.0.113.7', userAgent: 'tests' };

/** A second process on the same database: its own pool and caches. */
export async function openAuth(url: string, options: Partial<AuthOptions> = {}): Promise<Auth> {
  const database = options.database ?? openDatabase(url);
  const mailer = createMailer({ db: database.db, deliver: async () => {}, onLost: () => {} });
  return createAuth({ ...testOptions, mailer, ...options, database });
}

/** What a suite of this folder needs, on a database of its own. */
export async function testAuth(options: Partial<AuthOptions> = {}): Promise<{
  url: string;
  auth: Auth;
  database: Database;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const stored = await testDatabase();
  const auth = await openAuth(stored.url, options);
  const { database } = auth;
  const dispose = async () => {
    await database.close();
    await stored[Symbol.asyncDispose]();
  };
  return { url: stored.url, auth, database, [Symbol.asyncDispose]: dispose };
}

/** A fresh account and who it is by its access token. */
export async function newcomer(auth: Auth, named = `${randomUUID()}@example.com`) {
  const input = registerInput.parse({ email: named, password });
  const { email } = input;
  const made = await register(auth, input, from);
  const principal = await authenticate(auth, { authorization: `Bearer ${made.signedIn.accessToken}` }, 'GET');
  if (!principal) throw new Error('a fresh access token must be somebody');
  const signedIn = { ...made.signedIn, user: { ...made.signedIn.user, email } };
  return { ...made, signedIn, principal };
}

/** The part of a `Set-Cookie` value that a browser sends back. */
export function sentBack(setCookie: string): string {
  return setCookie.split(';', 1)[0] ?? '';
}

const authOnly = router(authRouter);

/** Calls procedures as `principal`, with that part of the context which signing in needs; `response` is what they said. */
export function callAs(auth: Auth, principal: Principal | undefined) {
  const response: ResponseHints = { headers: {}, cookies: [] };
  const ctx = { database: auth.database, auth, principal, request: { id: 'req_test', ...from }, response };
  async function call(type: 'query' | 'mutation', path: string, input?: unknown): Promise<unknown> {
    const getRawInput = async () => input;
    return callTRPCProcedure({ router: authOnly, path, type, ctx, getRawInput, signal: undefined, batchIndex: 0 });
  }
  return { call, response };
}
