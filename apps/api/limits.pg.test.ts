import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tierLimits } from '@flowplane/contract/tiers';
import { testDatabase } from '@flowplane/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { ownerOf } from './test-client.ts';
import { type Answer, dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const perMinute = 20;
const dataDir = dataDirectory();
let stored: Awaited<ReturnType<typeof testDatabase>>;
/** Behind a proxy on this machine, which says who calls. */
let proxied: Instance;
/** Called by everybody directly. */
let direct: Instance;

async function start(more: Record<string, string>): Promise<Instance> {
  const instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: dataDir.path,
    DATABASE_URL: stored.url,
    RATE_LIMIT_PER_MINUTE: String(perMinute),
    ...more,
  });
  await instance.ready();
  return instance;
}

beforeAll(async () => {
  stored = await testDatabase();
  proxied = await start({ TRUSTED_PROXIES: '127.0.0.0/8, ::1' });
  direct = await start({});
});
afterAll(async () => {
  for (const instance of [proxied, direct]) {
    instance?.child.kill('SIGTERM');
    await instance?.ended;
  }
  await dataDir[Symbol.asyncDispose]();
  await stored[Symbol.asyncDispose]();
});

let addresses = 0;

/** Somebody at an address of their own, before the proxy. */
function somebody() {
  addresses += 1;
  const ip = `198.51.100.${addresses}`;
  const ask = (path: string, options: Parameters<typeof send>[1] = {}) =>
    send(`${proxied.url}${path}`, { ...options, headers: { 'x-forwarded-for': ip, ...options.headers } });
  return { ip, ask };
}

const nobody = { email: 'nobody@example.com', password: 'no such password' };

function remaining({ headers }: Answer): number {
  return Number(/"minute";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
}

async function register(ask: ReturnType<typeof somebody>['ask']) {
  const email = `user-${addresses}-${Math.random().toString(36).slice(2)}@example.com`;
  const { json } = await ask('/api/v1/auth/register', { body: { email, password: 'correct horse battery' } });
  return { authorization: `Bearer ${Object(json).accessToken}` };
}

test('REST answers carry the limits, and past them a 429 problem with Retry-After', async () => {
  const { ask } = somebody();
  const first = await ask('/api/v1/auth/password/forgot', { body: { email: 'nobody@example.com' } });
  expect(first.headers.get('ratelimit-policy')).toBe(`"minute";q=${perMinute};w=60`);
  expect(first.headers.get('ratelimit')).toBe(`"minute";r=${perMinute - 1};t=60`);
  expect(first.headers.get('retry-after')).toBeNull();
  let answer = first;
  for (let i = 1; i <= perMinute; i += 1) {
    answer = await ask('/api/v1/users/me');
    expect(answer.status).toBe(i === perMinute ? 429 : 401);
  }
  expect(answer.json).toMatchObject({ status: 429, code: 'rate_limited', title: 'Too many requests' });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  expect(answer.headers.get('ratelimit')).toMatch(/^"minute";r=0;t=\d+$/);
});

test('one limit holds for REST and tRPC together, with 60 calls a minute for the tier basic', async () => {
  const { ask } = somebody();
  const headers = await register(ask);
  const faces = ['/api/v1/users/me', '/trpc/users.me'];
  let allowed = 0;
  let last: Answer | undefined;
  for (let i = 0; i < 64; i += 1) {
    last = await ask(faces[i % 2] ?? '', { headers });
    if (last.status === 200) allowed += 1;
  }
  expect(allowed).toBe(60);
  expect(last?.status).toBe(429);
  expect(last?.json).toMatchObject({ error: { json: { data: { problem: { code: 'rate_limited' } } } } });
  expect(last?.headers.get('ratelimit-policy')).toBe('"minute";q=60;w=60, "hour";q=1000;w=3600');
  expect(last?.headers.get('retry-after')).toMatch(/^\d+$/);
  // A session or key that is not limited is somebody else's business.
  expect((await somebody().ask('/api/v1/users/me', { headers })).status).toBe(429);
});

test('threat 4: 10 logins in a batch count as 10, and only the calls past the limit are refused', async () => {
  const { ask } = somebody();
  const path = `/trpc/${Array(10).fill('auth.login').join()}?batch=1`;
  const batch = () =>
    ask(path, {
      body: Object.fromEntries(
        Array.from({ length: 10 }, (_, i) => [i, { json: { ...nobody, email: `nobody-${i}@example.com` } }]),
      ),
    });
  expect(remaining(await batch())).toBe(perMinute - 10);
  await ask('/api/v1/users/me');
  await ask('/api/v1/users/me');
  const codes = (answer: Answer) => {
    const calls = Array.isArray(answer.json) ? answer.json : [];
    return calls.map((one) => one.error?.json.data.problem.code);
  };
  const half = await batch();
  expect(half.status).toBe(207);
  expect(codes(half).filter((code) => code === 'invalid_credentials')).toHaveLength(8);
  expect(codes(half).slice(8)).toEqual(['rate_limited', 'rate_limited']);
  expect(half.headers.get('retry-after')).toMatch(/^\d+$/);
  const none = await batch();
  expect(none.status).toBe(429);
  expect(codes(none)).toEqual(Array(10).fill('rate_limited'));
  const tooLong = await ask(`/trpc/${Array(1_000).fill('users.me').join()}?batch=1`);
  expect(tooLong.status).toBe(400);
});

test('threat 34: whom an untrusted peer names in its headers, and how a path is written, changes nothing', async () => {
  const paths = ['/api/v1/users/me', '/api/v1/%75sers/me', '/API/v1/users/me', '/api/v1/users/me/'];
  let allowed = 0;
  for (let i = 0; i < 60; i += 1) {
    const ip = `203.0.113.${i}`;
    const { status } = await send(`${direct.url}${paths[i % 2]}`, {
      headers: {
        'x-forwarded-for': ip,
        forwarded: `for=${ip}`,
        'true-client-ip': ip,
        'x-real-ip': ip,
        'cf-connecting-ip': ip,
        'x-api-key': 'no such key',
      },
    });
    if (status !== 429) allowed += 1;
  }
  expect(allowed).toBeLessThanOrEqual(perMinute);
  // Another way to write it is another path, of which there is none.
  for (const path of paths.slice(2)) expect((await send(`${direct.url}${path}`)).status).toBe(404);
});

test('threat 34: behind a trusted proxy the address counts that the proxy saw, not what the caller claims', async () => {
  const { ask, ip } = somebody();
  let allowed = 0;
  for (let i = 0; i < 40; i += 1) {
    const answer = await ask('/api/v1/users/me', { headers: { 'x-forwarded-for': `203.0.113.${i}, ${ip}` } });
    if (answer.status !== 429) allowed += 1;
  }
  expect(allowed).toBe(perMinute);
  expect((await somebody().ask('/api/v1/users/me')).status).toBe(401);
});

test('credentials that are no good count against the address', async () => {
  const { ask } = somebody();
  const statuses = new Map<number, number>();
  for (let i = 0; i < perMinute + 5; i += 1) {
    const path = i % 2 ? '/trpc/users.me' : '/api/v1/users/me';
    const { status } = await ask(path, { headers: { authorization: `Bearer nonsense-${i}` } });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect([...statuses]).toEqual([
    [401, perMinute],
    [429, 5],
  ]);
});

test('asking for an OAuth token is a call without signing in', async () => {
  const { ask } = somebody();
  const get = () =>
    ask('/api/v1/auth/token', {
      method: 'POST',
      body: 'grant_type=refresh_token&refresh_token=nonsense',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  for (let i = 0; i < perMinute; i += 1) expect((await get()).status).toBe(400);
  const refused = await get();
  expect(refused.json).toMatchObject({ error: 'temporarily_unavailable' });
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
});

test('a webhook has its own limit for each address; to guess at webhooks counts as a call without signing in', async () => {
  const { slug, publish } = await ownerOf(proxied);
  await publish([{ id: 'a', type: 'transform', params: { value: 1 } }], {
    triggers: [{ id: 'hook', type: 'webhook', path: 'limited', method: 'POST', respond: 'result' }],
  });
  const { ask } = somebody();
  const hook = () => ask(`/hooks/${slug}/limited`, { body: {} });
  const many = await Promise.all(Array.from({ length: perMinute * 10 + 5 }, hook));
  expect(many.filter(({ status }) => status === 200)).toHaveLength(perMinute * 10);
  const refused = many.find(({ status }) => status === 429);
  expect(refused?.json).toMatchObject({ code: 'rate_limited' });
  expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/);
  for (let i = 0; i < perMinute; i += 1)
    expect((await ask(`/hooks/${slug}/guess-${i}`, { body: {} })).status).toBe(404);
  expect((await ask(`/hooks/${slug}/guess`, { body: {} })).status).toBe(429);
});

test('a stream counts once, when it is opened, over REST and tRPC', async () => {
  const { client, bearer, publish } = await ownerOf(proxied);
  const id = await publish([{ id: 'a', type: 'log', params: { message: 'Hello' } }]);
  const execution = await client.workflows.execute({ id, wait: 10 });
  const { ask } = somebody();
  const before = remaining(await ask('/api/v1/users/me', { headers: bearer }));
  const stream = await ask(`/api/v1/executions/${execution.id}/events`, { headers: bearer });
  expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(remaining(stream)).toBe(before - 1);
  const input = encodeURIComponent(JSON.stringify({ json: { id: execution.id } }));
  const subscription = await ask(`/trpc/executions.events?input=${input}`, {
    headers: { ...bearer, accept: 'text/event-stream' },
  });
  expect(subscription.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(remaining(subscription)).toBe(before - 2);
  expect(remaining(await ask('/api/v1/users/me', { headers: bearer }))).toBe(before - 3);
});

test('the pages of approvals count against the address', async () => {
  const { ask } = somebody();
  for (let i = 0; i < perMinute; i += 1) expect((await ask(`/approvals/nonsense-${i}`)).status).toBe(404);
  const refused = await ask('/approvals/nonsense');
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
});

test('the pages of mails count against the address, and say so as a page', async () => {
  const { ask } = somebody();
  for (let i = 0; i < perMinute; i += 1) expect((await ask('/verify-email')).status).toBe(200);
  const refused = await ask('/reset-password');
  expect([refused.status, refused.headers.get('content-type')]).toEqual([429, 'text/html; charset=utf-8']);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
});

test('what is not a call has no limits: health, the documents, the keys', async () => {
  const { ask } = somebody();
  for (const path of ['/health', '/ready', '/openapi.json', '/.well-known/jwks.json']) {
    const answers = await Promise.all(Array.from({ length: perMinute + 5 }, () => ask(path)));
    expect(new Set(answers.map(({ status }) => status)), path).toEqual(new Set([200]));
  }
});

test('the page on limits says what the tiers are and what the headers look like', async () => {
  const page = readFileSync(join(root, 'docs/limits.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(basic|premium|unlimited)` +\| ([\d,]+|no limit) +\| ([\d,]+|no limit) +\|/gm)];
  const written = (limit: number | undefined) => limit?.toLocaleString('en-US') ?? 'no limit';
  expect(rows.map(([, name, minute, hour]) => [name, minute, hour])).toEqual(
    Object.entries(tierLimits).map(([name, limits]) => [name, written(limits?.perMinute), written(limits?.perHour)]),
  );
  const [, command = '', output = ''] = /^```sh\n([\s\S]*?)^```\n\n```\n([\s\S]*?)^```$/m.exec(page) ?? [];
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', command.replaceAll('localhost:8000', `localhost:${proxied.port}`)],
    { env: { PATH: '/usr/local/bin:/usr/bin:/bin', OWNER_PASSWORD: owner.password } },
  );
  // What remains depends on the tests before.
  const rests = (text: string) => text.replaceAll('\r', '').replaceAll(/([rt])=\d+/g, '$1=…');
  expect(rests(stdout)).toBe(rests(output));
});
