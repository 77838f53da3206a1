import { inputShape } from '@flowplane/rest/input-shape';
import { type Operation, operationsOf } from '@flowplane/rest/operations';
import { fillPath, pathParameters } from '@flowplane/rest/path-template';
import { appRouter } from '@flowplane/server/api';
import { newcomer, password, sentBack } from '@flowplane/server/auth/test-auth';
import { createLimiter } from '@flowplane/server/limits/limiter';
import { testApi } from '@flowplane/server/test-api';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { safeParse } from 'zod/v4/core';
import { brandingOf } from './openapi-document.ts';
import { createServer } from './server.ts';
import { settings } from './settings.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let app: FastifyInstance;
let ann: Awaited<ReturnType<typeof api.member>>;
let bearer: Record<string, string>;
let cookie: string;
let email: string;

beforeAll(async () => {
  api = await testApi();
  app = createServer({
    services: { ...api, redis: undefined, limiter: createLimiter({ anonymousPerMinute: 1_000_000 }) },
    version: '1.2.3',
    log: pino({ level: 'silent' }),
    draining: () => false,
    branding: brandingOf(settings.parse({})),
    corsOrigins: new Set(),
    trustedProxies: [],
    httpsRequired: false,
  });
  await app.ready();
  ann = await api.member();
  const { db } = api.database;
  await db.updateTable('users').set({ tier: 'unlimited' }).where('id', '=', ann.principal.userId).execute();
  email = `${crypto.randomUUID()}@example.com`;
  const { signedIn, cookie: given } = await newcomer(api.auth, email);
  await db.updateTable('users').set({ tier: 'unlimited' }).where('id', '=', signedIn.user.id).execute();
  // Who they are is remembered for a second, with the tier that they had.
  api.auth.sessionPrincipals.clear();
  bearer = { authorization: `Bearer ${signedIn.accessToken}` };
  cookie = sentBack(given);
});
afterAll(async () => {
  await app.close();
  await api[Symbol.asyncDispose]();
});

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const operations = operationsOf(appRouter);

/** What every path parameter is filled with. */
const nowhere = { id: '01a200da-30db-7284-847d-11f708bd22a2', version: 1 };

function isMethod(value: string): value is Method {
  return ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(value);
}

/** The routes that the server has, as its own router lists them: a tree, each level four characters further in. */
function routes(): { method: Method; path: string }[] {
  const above: string[] = [];
  return app
    .printRoutes({ commonPrefix: false, includeHooks: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([├└│─\s]*)(\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
      const depth = Math.max(0, indent.length / 4 - 1);
      above.splice(depth, above.length, part);
      const path = `/${above.join('')}`.replaceAll(/\/+/g, '/');
      const named = methods.split(', ').filter(isMethod);
      return named.map((method) => ({ method, path }));
    });
}

/** What may be called without signing in. What is added here is to be thought about. */
const open = new Set([
  'GET /',
  'GET /health',
  'GET /ready',
  'GET /.well-known/jwks.json',
  'GET /openapi.json',
  'POST /api/v1/auth/register',
  'POST /api/v1/users',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/auth/token',
  'POST /api/v1/auth/logout',
  'POST /api/v1/auth/verify-email',
  'POST /api/v1/auth/password/forgot',
  'POST /api/v1/auth/password/reset',
  // Off until the operator turns them on.
  'GET /api/v1/auth/providers',
  'POST /api/v1/auth/guest',
  'POST /api/v1/auth/github/login',
  'POST /api/v1/auth/oidc/login',
  // What they start is bound to a cookie by the state in the query.
  'GET /api/v1/auth/github/callback',
  'GET /api/v1/auth/oidc/callback',
  // The token in the body or path is the credential.
  'POST /api/v1/invitations/preview',
  'GET /approvals/:token',
  'POST /approvals/:token',
  // The same page for everybody: the token stands behind `#`, where the server does not see it.
  'GET /verify-email',
  'GET /reset-password',
  'GET /accept-invitation',
  // Answers a handshake only, which `streams.pg.test.ts` tries.
  'GET /ws/logs/:id',
]);

/** Pages, scripts and styles. */
const documentation = /^\/(docs|redoc)(\/|$)/;

test('threat class default exposure: without credentials every route is a 401, but for those that were looked at', async () => {
  const found = routes();
  expect(found.filter(({ path }) => path.startsWith('/api/v1/workflows')).length).toBeGreaterThan(20);
  const surprising: string[] = [];
  for (const { method, path } of found) {
    const url = path.replaceAll(/:[a-zA-Z]+/g, nowhere.id).replaceAll('*', 'x');
    const { statusCode } = await app.inject({ method, url, ...(method === 'GET' ? {} : { payload: {} }) });
    const name = `${method} ${path}`;
    const isNothing = statusCode === 405 || (path.includes('*') && statusCode === 404);
    if (statusCode === 401 || isNothing || documentation.test(path)) continue;
    if (!open.has(name)) surprising.push(`${name}: ${statusCode}`);
  }
  expect(surprising).toEqual([]);
});

test('threat class default exposure: nobody may call a procedure of tRPC that REST asks to sign in for', async () => {
  for (const { procedure, type, meta } of operations) {
    if (meta.permission === 'public') continue;
    const method = type === 'mutation' ? 'POST' : 'GET';
    const payload = type === 'mutation' ? { payload: { json: {} } } : {};
    const answer = await app.inject({ method, url: `/trpc/${procedure}`, ...payload });
    if (type !== 'subscription') expect(answer.statusCode, procedure).toBe(401);
    // An event stream says so in its first event, which is its last.
    else expect(answer.body, procedure).toMatch(/^event: serialized-error\ndata: .*"httpStatus":401/m);
  }
});

type Faces = { rest: Answer; trpc: Answer };
type Answer = { status: number; problem: Record<string, unknown>; policy: unknown; text: string };

function problemOf(text: string, find: (body: Record<string, unknown>) => unknown): Record<string, unknown> {
  const body: unknown = text.startsWith('{') ? JSON.parse(text) : {};
  const found = typeof body === 'object' && body !== null ? find({ ...body }) : undefined;
  return typeof found === 'object' && found !== null ? { ...found } : {};
}

function inside(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  );
}

/** The same call over both faces. */
async function onBoth(
  { procedure, type, meta }: Operation,
  headers: Record<string, string>,
  id: string,
): Promise<Faces> {
  const { method = 'GET', path = '' } = meta.openapi ?? {};
  const fields = { id, version: nowhere.version };
  const input = Object.fromEntries(pathParameters(path).map((name) => [name, Reflect.get(fields, name) ?? 'x']));
  const url = `/api/v1${fillPath(path, (name) => input[name])}`;
  const sendsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  const isMutation = type === 'mutation';
  const [rest, trpc] = [
    await app.inject({
      method: isMethod(method) ? method : 'GET',
      url,
      headers,
      ...(sendsBody ? { payload: {} } : {}),
    }),
    await app.inject({
      method: isMutation ? 'POST' : 'GET',
      url: `/trpc/${procedure}${isMutation ? '' : `?input=${encodeURIComponent(JSON.stringify({ json: input }))}`}`,
      headers,
      ...(isMutation ? { payload: { json: input } } : {}),
    }),
  ];
  const answer = ({ statusCode, headers: given, body }: typeof rest, ...at: string[]): Answer => ({
    status: statusCode,
    problem: problemOf(body, (json) => inside(json, ...at)),
    policy: given['ratelimit-policy'],
    text: body,
  });
  return { rest: answer(rest), trpc: answer(trpc, 'error', 'json', 'data', 'problem') };
}

/** What an error may tell nobody: stacks, statements, files. */
const internals =
  /\n\s+at |node_modules|\.ts:\d|\/packages\/|select .* from|insert into|update .* set|violates|syntax error at/i;

const both = operations.filter(({ type, meta }) => type !== 'subscription' && meta.openapi?.path);

test.each(both.map((operation) => ({ name: operation.procedure, operation })))(
  'threats 13 and 14: $name refuses alike over REST and tRPC, with the same limits, and tells nothing of its insides',
  async ({ operation }) => {
    const { permission } = operation.meta;
    const withoutPermission = await keyWithout(permission);
    const nothing = operation.inputs.every((schema) => safeParse(schema, {}).success);
    const callers: [string, Record<string, string>, string][] = [
      ['nobody', {}, nowhere.id],
      ['a bad token', { authorization: 'Bearer nonsense' }, nowhere.id],
      ['a bad key', { 'x-api-key': 'fp_live_no-such-key-of-anybody' }, nowhere.id],
      ['an API key without the permission', { 'x-api-key': withoutPermission }, nowhere.id],
      ['somebody who names nothing that is there', bearer, nowhere.id],
      ['somebody who names what is no id', bearer, "'; drop table users; --"],
    ];
    for (const [who, headers, id] of callers) {
      const isSignedIn = headers === bearer;
      // What is right and changes something is another test's.
      if ((isSignedIn || permission === 'public') && nothing) continue;
      const { rest, trpc } = await onBoth(operation, headers, id);
      expect(rest.status, `${who}: ${rest.text}`).toBeGreaterThanOrEqual(400);
      expect(rest.status, `${who}: ${rest.text}`).toBeLessThan(500);
      const seen = ({ status, problem, policy }: Answer) => {
        const { requestId, ...rest } = problem;
        expect(requestId, who).toMatch(/\S/);
        return { status, policy, ...rest };
      };
      expect(seen(rest), who).toEqual(seen(trpc));
      for (const { text } of [rest, trpc]) expect(text.replaceAll(id, ''), who).not.toMatch(internals);
    }
  },
);

const keys = new Map<string, string>();

/** An API key that may do something, but not this. */
async function keyWithout(permission: string | undefined): Promise<string> {
  const scope = permission === 'account:read' ? 'workflows:read' : 'account:read';
  const known = keys.get(scope);
  if (known) return known;
  const { key } = await ann.api.auth.apiKeys.create({ name: scope, scopes: [scope] });
  keys.set(scope, key);
  return key;
}

test('threat 14: a failure of ours tells its request id and nothing else', async () => {
  const { db } = api.database;
  await db.schema.alterTable('events').renameTo('events_gone').execute();
  for (const url of ['/api/v1/events', '/trpc/events.list?input=%7B%22json%22%3A%7B%7D%7D']) {
    const { statusCode, body } = await app.inject({ method: 'GET', url, headers: bearer });
    expect([statusCode, body]).toEqual([500, expect.stringContaining('"code":"internal"')]);
    expect(body).toMatch(/"requestId":"[^"]+"/);
    expect(body).not.toMatch(/events_gone|relation|select|\.ts|42P01/);
  }
  await db.schema.alterTable('events_gone').renameTo('events').execute();
});

test('threat 29: no form of another site makes a signed-in browser change anything, by whatever procedure', async () => {
  const { items } = await annsWorkflows();
  const foreign = [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, {}];
  const forms = [
    'multipart/form-data; boundary=b',
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json',
  ];
  for (const { procedure, type, meta } of operations) {
    const { method = '', path = '' } = meta.openapi ?? {};
    if (type !== 'mutation' || !isMethod(method)) continue;
    const url = `/api/v1${fillPath(path, (name) => Reflect.get(nowhere, name) ?? 'x')}`;
    for (const from of foreign) {
      for (const form of forms) {
        const headers = { cookie, 'content-type': form, ...from };
        const rest = await app.inject({ method, url, headers, payload: '{}' });
        const trpc = await app.inject({ method: 'POST', url: `/trpc/${procedure}`, headers, payload: '{"json":{}}' });
        const batch = await app.inject({
          method: 'POST',
          url: `/trpc/${procedure}?batch=1`,
          headers,
          payload: '{"0":{}}',
        });
        const statuses = [rest, trpc, batch].map(({ statusCode }) => statusCode);
        for (const status of statuses)
          expect([403, 415], `${procedure} ${form} ${JSON.stringify(from)}`).toContain(status);
      }
    }
    for (const query of ['', '?batch=1', '?batch=1&input=%7B%220%22%3A%7B%7D%7D']) {
      const headers = { cookie, 'sec-fetch-site': 'same-origin' };
      const read = await app.inject({ method: 'GET', url: `/trpc/${procedure}${query}`, headers });
      expect(read.statusCode, `GET ${procedure}${query}`).toBe(405);
    }
  }
  const me = await app.inject({ url: '/api/v1/users/me', headers: { cookie } });
  expect(me.statusCode).toBe(200);
  expect((await annsWorkflows()).items).toEqual(items);
});

test('threat 29: another site’s page cannot make a browser forget its session', async () => {
  for (const url of ['/api/v1/auth/logout', '/trpc/auth.logout']) {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const { statusCode, headers } = await app.inject({ method: 'POST', url, headers: foreign });
    // A request without a type gets no further than the type over tRPC.
    expect([statusCode, headers['set-cookie']]).toEqual([url.startsWith('/trpc') ? 415 : 403, undefined]);
  }
});

function annsWorkflows() {
  return ann.api.workflows.list({});
}

test('threat 33: a key or token in the URL is refused, on every face', async () => {
  const { key } = await ann.api.auth.apiKeys.create({ name: 'key' });
  const token = bearer.authorization?.slice('Bearer '.length) ?? '';
  for (const name of ['api_key', 'apiKey', 'key', 'x-api-key', 'X-API-Key', 'token', 'access_token', 'authorization']) {
    for (const secret of [key, token, `Bearer ${token}`]) {
      const query = `${name}=${encodeURIComponent(secret)}`;
      const urls = [`/api/v1/users/me?${query}`, `/trpc/users.me?${query}`, `/ws/logs/${nowhere.id}?${query}`];
      for (const url of urls) {
        const { statusCode, body } = await app.inject({ method: 'GET', url });
        expect([400, 401], `${url}: ${body}`).toContain(statusCode);
        expect(body).not.toContain(secret);
      }
    }
  }
});

test('threat 33: a key that begins like another one is unknown like any, and its case counts', async () => {
  const { key, prefix } = await ann.api.auth.apiKeys.create({ name: 'key' });
  const answer = async (sent: string) => {
    const { statusCode, body, headers } = await app.inject({ url: '/api/v1/users/me', headers: { 'x-api-key': sent } });
    return { statusCode, body: body.replace(/"requestId":"[^"]+"/, ''), length: headers['content-length'] };
  };
  expect((await answer(key)).statusCode).toBe(200);
  const unknown = await answer(`fp_live_${'A'.repeat(key.length - 8)}`);
  expect(unknown.statusCode).toBe(401);
  const last = key.endsWith('A') ? 'B' : 'A';
  for (const guess of [`${key.slice(0, -1)}${last}`, `${prefix}${'x'.repeat(key.length - prefix.length)}`, `${key}A`]) {
    expect(await answer(guess)).toEqual(unknown);
  }
  expect(await answer(key.toUpperCase())).toEqual(unknown);
  expect(await answer(key.toLowerCase())).toEqual(unknown);
  expect((await answer(prefix)).statusCode).toBe(401);
});

test('threat 35: an account is not told from none by the answer to a wrong password, a forgotten one or a wrong token', async () => {
  const answer = async (path: string, payload: object) => {
    const { statusCode, body, headers } = await app.inject({ method: 'POST', url: `/api/v1/auth/${path}`, payload });
    const names = Object.keys(headers).sort();
    return { statusCode, body: body.replace(/"requestId":"[^"]+"/, ''), names };
  };
  const nobody = 'nobody-at-all@example.com';
  for (const [path, more] of [
    ['login', { password: 'not the password' }],
    ['password/forgot', {}],
  ] as const) {
    expect(await answer(path, { email, ...more })).toEqual(await answer(path, { email: nobody, ...more }));
  }
  expect((await answer('login', { email: email.toUpperCase(), password })).statusCode).toBe(200);
});

/** The fields that a refusal names as unknown, at whatever depth it does. */
function unknownFields(issues: readonly object[]): string[] {
  return issues.flatMap((issue) => {
    const keys: unknown = 'keys' in issue ? issue.keys : [];
    const nested = 'errors' in issue && Array.isArray(issue.errors) ? issue.errors.flat() : [];
    return [...(Array.isArray(keys) ? keys : []), ...unknownFields(nested)];
  });
}

test('threat 3: fields that are nobody’s to set are refused by name, by whatever procedure', () => {
  const tempting = [
    'tenantId',
    'teamId',
    'role',
    'ownerId',
    'userId',
    'createdAt',
    'plan',
    'permissions',
    'tier',
    'isAdmin',
  ];
  for (const { procedure, inputs } of operations) {
    const [schema] = inputs;
    if (!schema) continue;
    const known = inputShape(inputs)?.fields;
    expect(known, procedure).toBeDefined();
    for (const name of tempting.filter((field) => !known?.has(field))) {
      // What an input may be goes by its kind, where it has one.
      const { error } = safeParse(schema, { [name]: 'x', ...(known?.has('kind') ? { kind: 'bearer' } : {}) });
      expect(unknownFields(error?.issues ?? []), `${procedure} takes ${name}`).toContain(name);
    }
  }
});

test('threat 11: positions, sizes and orders that no list has are refused by every list', async () => {
  const lists = operations.filter(({ type, procedure }) => type === 'query' && /(^|\.)list$/.test(procedure));
  expect(lists.length).toBeGreaterThan(4);
  const forged = [
    '',
    'AAAA',
    '../../etc/passwd',
    "' or 1=1 --",
    Buffer.from('{"id":1}').toString('base64url'),
    'x'.repeat(5_000),
  ];
  for (const { meta } of lists) {
    const path = `/api/v1${meta.openapi?.path}`;
    const queries = [
      'limit=1000000000',
      'limit=101',
      'limit=0',
      'limit=-1',
      'limit=1.5',
      'offset=-1',
      'sort=password',
      'order=id;drop',
      ...forged.map((cursor) => `cursor=${encodeURIComponent(cursor)}`),
    ];
    for (const query of queries) {
      const { statusCode, body } = await app.inject({ url: `${path}?${query}`, headers: bearer });
      expect(statusCode, `${path}?${query}: ${body}`).toBe(400);
    }
  }
});
