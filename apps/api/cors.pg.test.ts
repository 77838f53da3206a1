import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownerOf } from './test-client.ts';
import { type Answer, dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const app = 'https://app.example.com';
const dataDir = dataDirectory();
let instance: Instance;
let signedIn: Awaited<ReturnType<typeof ownerOf>>;

beforeAll(async () => {
  instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: dataDir.path,
    CORS_ORIGINS: JSON.stringify([app, 'http://localhost:3000']),
  });
  await instance.ready();
  signedIn = await ownerOf(instance);
});
afterAll(async () => {
  instance.child.kill('SIGKILL');
  await dataDir[Symbol.asyncDispose]();
});

/** The headers of an answer that a browser's decision rests on. */
function cors({ headers }: Pick<Answer, 'headers'>): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));
}

function ask(
  path: string,
  origin: string,
  more: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
) {
  return send(`${instance.url}${path}`, { ...more, headers: { origin, ...more.headers } });
}

const preflight = (method: string, headers = 'authorization,content-type') => ({
  method: 'OPTIONS',
  headers: { 'access-control-request-method': method, 'access-control-request-headers': headers },
});

describe('a page of a listed origin', () => {
  test('is allowed every method and our request headers by a preflight that it may keep', async () => {
    for (const path of ['/api/v1/workflows', '/trpc/workflows.create', '/hooks/team/orders', '/api/v1/nowhere']) {
      const answer = await ask(path, app, preflight('POST'));
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect(answer.headers.get('access-control-allow-origin')).toBe(app);
      expect(answer.headers.get('access-control-max-age')).toBe('7200');
      expect(answer.headers.get('access-control-allow-methods')?.split(', ')).toEqual(
        expect.arrayContaining(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
      );
      const allowed = answer.headers.get('access-control-allow-headers')?.toLowerCase().split(', ');
      const needed =
        'authorization x-api-key x-team-id idempotency-key if-match if-none-match last-event-id content-type';
      expect(allowed).toEqual(expect.arrayContaining([...needed.split(' '), 'trpc-accept']));
      expect(answer.headers.get('vary')).toContain('Origin');
    }
  });

  test('reads answers with their headers, over REST and tRPC, and may use its cookie', async () => {
    const { id } = await signedIn.client.workflows.list({}).then(({ items }) => items[0] ?? { id: '' });
    const input = encodeURIComponent(JSON.stringify({ json: { id } }));
    for (const path of [`/api/v1/workflows/${id}`, `/trpc/workflows.get?input=${input}`]) {
      const answer = await ask(path, app, { headers: signedIn.bearer });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe(app);
      expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
      expect(answer.headers.get('access-control-expose-headers')?.split(', ')).toEqual(
        expect.arrayContaining([
          'ETag',
          'Location',
          'Retry-After',
          'Idempotency-Replayed',
          'X-Request-Id',
          'X-Execution-Id',
        ]),
      );
      expect(answer.headers.get('vary')?.split(', ')).toContain('Origin');
    }
  });

  test.each([
    ['nobody', 401, '/api/v1/workflows', {}],
    ['nobody over tRPC', 401, '/trpc/workflows.list', {}],
    ['an unknown path', 404, '/nowhere', {}],
    ['an unknown path of the API', 404, '/api/v1/nowhere', {}],
    ['an unknown procedure', 404, '/trpc/no.such', {}],
    ['another method', 405, '/api/v1/workflows', { method: 'DELETE' }],
    [
      'another media type',
      415,
      '/api/v1/workflows',
      { method: 'POST', body: 'a', headers: { 'content-type': 'text/plain' } },
    ],
    ['a long body', 413, '/api/v1/workflows', { method: 'POST', body: { name: 'x'.repeat(1_100_000) } }],
    ['a long body over tRPC', 413, '/trpc/workflows.create', { method: 'POST', body: { json: 'x'.repeat(1_100_000) } }],
    ['a URL that cannot be read', 400, '/api/v1/%zz', {}],
    ['a webhook that is not there', 404, '/hooks/no-team/nothing', { method: 'POST', body: {} }],
  ])('reads the problem of %s: %i', async (_, status, path, more) => {
    const answer = await ask(path, app, more);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe(app);
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  test('may change something by its cookie, which a page of another origin may not', async () => {
    const login = await send(`${instance.url}/api/v1/auth/login`, { body: owner });
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const body = { name: 'From a page', definition: { nodes: [], edges: [], triggers: [] } };
    const from = (origin: string) =>
      ask('/api/v1/workflows', origin, { body, headers: { cookie, 'sec-fetch-site': 'cross-site' } });
    expect((await from(app)).status).not.toBe(403);
    const refused = await from('https://evil.example');
    expect([refused.status, refused.json]).toMatchObject([403, { code: 'cross_site_request' }]);
  });
});

/** Threat 30: an origin that is alike is another. */
describe.each([
  'https://evil.example',
  'null',
  'https://app.example.com.evil.example',
  'https://app.example.com:8443',
  'http://app.example.com',
  'https://APP.example.com',
  'https://app.example.com/',
  'https://app.example.com, https://evil.example',
  '*',
])('threat 30: a page of %s', (origin) => {
  test('is told nothing that lets it read an answer', async () => {
    for (const path of ['/api/v1/workflows', '/trpc/workflows.list', '/health', '/nowhere', '/hooks/team/orders']) {
      const answer = await ask(path, origin, { headers: { ...signedIn.bearer, cookie: 'session=x' } });
      expect(cors(answer)).toEqual({});
      expect(answer.headers.get('vary')).toContain('Origin');
    }
  });

  test('is allowed nothing by a preflight', async () => {
    for (const path of ['/api/v1/workflows', '/trpc/workflows.list', '/hooks/team/orders']) {
      expect(cors(await ask(path, origin, preflight('POST')))).toEqual({});
    }
  });
});

test('answers vary by origin for those who sent none, too', async () => {
  const answer = await send(`${instance.url}/trpc/workflows.list`, { headers: signedIn.bearer });
  expect(answer.headers.get('vary')).toBe('trpc-accept, accept, Origin');
  expect(cors(answer)).toEqual({});
});

test('OPTIONS that is no preflight says which methods there are', async () => {
  const url = `${instance.url}/api/v1/workflows`;
  for (const more of [{}, { headers: { origin: app } }]) {
    const answer = await send(url, { method: 'OPTIONS', ...more });
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD, OPTIONS']);
  }
});

test('event streams and streamed batches can be read by a listed origin, and vary', async () => {
  const { items } = await signedIn.client.executions.list({});
  const id = items[0]?.id ?? '';
  const input = encodeURIComponent(JSON.stringify({ json: { id } }));
  for (const [path, headers] of [
    [`/api/v1/executions/${id}/events`, {}],
    [`/trpc/executions.events?input=${input}`, {}],
    [`/trpc/executions.list?batch=1&input=%7B%7D`, { 'trpc-accept': 'application/jsonl' }],
  ] as const) {
    const answer = await fetch(`${instance.url}${path}`, { headers: { origin: app, ...signedIn.bearer, ...headers } });
    await answer.body?.cancel();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(app);
    expect(answer.headers.get('vary')).toContain('Origin');
  }
});

test('webhooks are for the listed origins, without cookies', async () => {
  const answer = await ask(`/hooks/${signedIn.slug}/orders`, app, { body: { name: 'ada', qty: 7, price: 30 } });
  expect([answer.status, answer.json]).toEqual([200, { tier: 'gold', msg: 'Hello ADA' }]);
  expect(answer.headers.get('access-control-allow-origin')).toBe(app);
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
});

test('two Origin headers are no listed origin', async () => {
  const headers = await new Promise<object>((resolve, reject) => {
    const request = httpRequest(`${instance.url}/health`, {
      headers: ['Host', 'x', 'Origin', app, 'Origin', 'https://evil.example'],
    });
    request
      .on('response', (response) => resolve(response.resume().headers))
      .on('error', reject)
      .end();
  });
  expect(headers).not.toHaveProperty('access-control-allow-origin', 'https://evil.example');
});
