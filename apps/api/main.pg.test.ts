import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleWorkflow } from './sample-workflow.ts';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const dataDir = dataDirectory();
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: dataDir.path });
  console.log(`first start: ${Math.round(await instance.ready())} ms`);
  owner = await ownerOf(instance);
});
afterAll(async () => {
  instance.child.kill('SIGKILL');
  await dataDir[Symbol.asyncDispose]();
});

function at(path: string): string {
  return `${instance.url}${path}`;
}

/** The log line of the request with this id. */
async function logged(requestId: string): Promise<Record<string, unknown>> {
  const find = () =>
    instance
      .output()
      .split('\n')
      .find((line) => line.startsWith('{') && line.includes(requestId));
  await expect.poll(find).toBeDefined();
  return JSON.parse(find() ?? '{}');
}

test('the first start tells what it does, the sample’s result, how to sign in and where it is', () => {
  const said = instance.output();
  for (const step of ['PostgreSQL started', 'Database is up to date', `Listening on port ${instance.port}`]) {
    expect(said).toMatch(new RegExp(`✓ ${step} \\(\\d+\\.\\d s\\)`));
  }
  expect(said).toContain('{"tier":"gold","msg":"Hello ADA"}');
  expect(said).toContain(`curl -X POST ${instance.url}/hooks/`);
  expect(said).toContain('Sign in as owner@example.com with your OWNER_PASSWORD.');
  expect(said).not.toContain('a-password-of-the-tests');
  expect(said).toContain(`Flowplane is ready on ${instance.url}`);
});

test('the command that it prints works', async () => {
  const [, url = '', body = ''] = /curl -X POST (\S+) .*-d '(.*)'/.exec(instance.output()) ?? [];
  expect((await send(url, { body })).json).toEqual({ tier: 'gold', msg: 'Hello ADA' });
});

test.each([
  ['/', 'application/json'],
  ['/health', 'application/json'],
  ['/ready', 'application/json'],
  ['/docs', 'text/html'],
  ['/redoc', 'text/html'],
  ['/openapi.json', 'application/json'],
])('GET %s answers %s without sign-in', async (path, type) => {
  const answer = await send(at(path));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain(type);
  expect(answer.text.length).toBeGreaterThan(10);
});

test('what is ready is told part by part', async () => {
  expect((await send(at('/ready'))).json).toEqual({ status: 'ready', checks: { database: 'up', queue: 'up' } });
});

test('a request id is echoed, or made', async () => {
  expect((await send(at('/health'), { headers: { 'x-request-id': 'mine-1' } })).headers.get('x-request-id')).toBe(
    'mine-1',
  );
  const made = (await send(at('/health'), { headers: { 'x-request-id': 'not mine' } })).headers.get('x-request-id');
  expect(made).toMatch(/^[0-9a-f-]{36}$/);
  const refused = await send(at('/api/v1/workflows'), { headers: { 'x-request-id': 'mine-2' } });
  expect(refused.json).toMatchObject({ requestId: 'mine-2' });
});

test('every request is a JSON log line, with who called once that is known, and without the query', async () => {
  const me = await owner.client.auth.me();
  await send(at('/api/v1/workflows?limit=1'), { headers: { 'x-request-id': 'logged-1', ...owner.bearer } });
  const line = await logged('logged-1');
  expect(line).toMatchObject({
    level: 'info',
    request_id: 'logged-1',
    method: 'GET',
    path: '/api/v1/workflows',
    status_code: 200,
    user_id: me.user.id,
  });
  expect(new Date(String(line.timestamp)).toISOString()).toBe(line.timestamp);
  expect(line.duration_ms).toEqual(expect.any(Number));
  await send(at('/api/v1/workflows?secret=x'), { headers: { 'x-request-id': 'logged-2' } });
  expect(await logged('logged-2')).toMatchObject({ status_code: expect.any(Number), user_id: null });
  expect(instance.output()).not.toContain('secret=x');
});

test('credentials that are no good have the same status over tRPC, each kind of them', async () => {
  const kinds: Record<string, string>[] = [{ authorization: 'Bearer nonsense' }, { 'x-api-key': 'fp_live_nonsense' }];
  for (const headers of kinds) {
    const answer = await send(at('/trpc/workflows.list?input=%7B%22json%22%3A%7B%7D%7D'), { headers });
    expect(answer.status).toBe(401);
    const problem = { status: 401, code: 'unauthenticated' };
    expect(answer.json).toMatchObject({ error: { json: { data: { code: 'UNAUTHORIZED', problem } } } });
  }
});

test('every refusal is a problem with a code, on every face', async () => {
  const hook = `/hooks/${owner.slug}/orders`;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const large = JSON.stringify('x'.repeat(1_100_000));
  const refusals: [number, string, string, Parameters<typeof send>[1]][] = [
    [401, 'unauthenticated', '/api/v1/workflows', {}],
    [401, 'unauthenticated', '/api/v1/workflows', { headers: { authorization: 'Bearer nonsense' } }],
    [401, 'invalid_credentials', '/api/v1/auth/login', { body: { email: 'a@b.example', password: 'x' } }],
    [404, 'not_found', '/nothing', {}],
    [404, 'not_found', '/api/v1/nothing', { body: '{' }],
    [404, 'not_found', '/api/v1/Workflows', {}],
    [404, 'not_found', '/hooks', {}],
    [404, 'not_found', '/hooks/nobody/nothing', { body: {} }],
    [404, 'not_found', `${hook}%00`, { body: {} }],
    [400, 'bad_request', `${hook}%ff`, { body: {} }],
    [404, 'not_found', `/hooks/${'x'.repeat(400)}/y`, {}],
    [404, 'not_found', hook, {}],
    [405, 'method_not_allowed', '/api/v1/workflows', { method: 'PATCH', body: {} }],
    [413, 'payload_too_large', '/api/v1/workflows', { body: large }],
    [413, 'payload_too_large', hook, { body: large }],
    [415, 'unsupported_media_type', '/api/v1/workflows', { body: 'a=b', headers: form }],
    [415, 'unsupported_media_type', hook, { body: 'a=b', headers: { 'content-type': 'multipart/form-data' } }],
    [400, 'invalid_json', '/api/v1/auth/login', { body: '{"a":' }],
    [400, 'invalid_json', hook, { body: '{"a":' }],
    [400, 'invalid_json', hook, { body: '{"__proto__":{"polluted":true}}' }],
    [400, 'invalid_json', hook, { body: '['.repeat(100_000) }],
    [400, 'invalid_body', hook, { body: `${'['.repeat(100)}${']'.repeat(100)}` }],
    [400, 'invalid_body', hook, { body: '"\\u0000"' }],
    [400, 'bad_request', '/%zz', {}],
    [400, 'bad_request', '/api/v1/workflows/%zz', {}],
    [400, 'unknown_parameter', '/api/v1/workflows?nope=1', { headers: owner.bearer }],
  ];
  for (const [status, code, path, options] of refusals) {
    const answer = await send(at(path), options);
    const what = `${path.slice(0, 60)} ${JSON.stringify(options).slice(0, 100)} → ${answer.status} ${answer.text.slice(0, 200)}`;
    expect(answer.status, what).toBe(status);
    expect(answer.json, what).toMatchObject({ status, code, type: `urn:flowplane:error:${code}` });
    expect(answer.headers.get('content-type'), what).toContain('application/problem+json');
    expect(answer.json, what).toHaveProperty('requestId', answer.headers.get('x-request-id'));
    expect(await logged(answer.headers.get('x-request-id') ?? ''), what).toMatchObject({
      status_code: status,
      duration_ms: expect.any(Number),
    });
    expect(answer.text, what).not.toMatch(/at .*\.[tj]s:\d|node_modules|select |\/root|\/home/);
  }
});

test('tRPC gives the same problem in the error’s data, without a stack', async () => {
  const answer = await send(at('/trpc/workflows.list?input=%7B%22json%22%3A%7B%7D%7D'));
  expect(answer.status).toBe(401);
  expect(answer.json).toMatchObject({
    error: { json: { data: { problem: { status: 401, code: 'unauthenticated' } } } },
  });
  expect(answer.text).not.toContain('stack');
});

test('the order workflow runs by REST and by webhook, with four journalled steps of which one is skipped', async () => {
  const triggers = [{ id: 'hook', type: 'webhook', path: 'orders-of-test', method: 'POST', respond: 'result' }];
  const definition = { ...sampleWorkflow.definition, triggers };
  const made = await send(at('/api/v1/workflows'), { body: { name: 'Order', definition }, headers: owner.bearer });
  expect(made.status).toBe(201);
  const location = made.headers.get('location') ?? '';
  const published = await send(at(`${location}/publish`), { body: {}, headers: owner.bearer });
  expect(published).toMatchObject({ status: 200, json: { publishedVersion: 1 } });
  const input = { name: 'ada', qty: 7, price: 30 };
  const run = await send(at(`${location}/execute`), { body: { input, wait: 10 }, headers: owner.bearer });
  expect(run).toMatchObject({ status: 200, json: { status: 'completed', output: { tier: 'gold', msg: 'Hello ADA' } } });
  const hooked = await send(at(`/hooks/${owner.slug}/orders-of-test`), { body: { ...input, qty: 1 } });
  expect(hooked).toMatchObject({ status: 200, json: { tier: 'basic' } });
  const steps = await send(at(`/api/v1/executions/${hooked.headers.get('x-execution-id')}/steps`), {
    headers: owner.bearer,
  });
  const { items } = steps.json as { items: { path: string; status: string }[] };
  expect(items.map(({ path, status }) => `${path} ${status}`).sort()).toEqual([
    'basic completed',
    'big completed',
    'gold skipped',
    'order completed',
  ]);
});

test('a webhook’s author cannot take away the headers that keep an answer from running as ours', async () => {
  const headers = {
    'Content-Security-Policy': 'default-src *',
    'X-Content-Type-Options': 'none',
    'X-Execution-Id': 'forged',
    'X-Request-Id': 'forged',
    'Content-Type': 'text/html',
  };
  const triggers = [
    { id: 'h', type: 'webhook' as const, path: 'page', method: 'GET' as const, respond: 'result' as const },
  ];
  await owner.publish([{ id: 'a', type: 'respond', params: { headers, body: '<script>alert(1)</script>' } }], {
    triggers,
  });
  const answer = await send(at(`/hooks/${owner.slug}/page`));
  expect(answer).toMatchObject({ status: 200, text: '<script>alert(1)</script>' });
  expect(answer.headers.get('content-type')).toContain('text/html');
  expect(answer.headers.get('content-security-policy')).toBe('sandbox');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(answer.headers.get('x-execution-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.headers.get('x-request-id')).not.toBe('forged');
});

test('a webhook takes a query, text or nothing for its input, and answers 204 without a body', async () => {
  const hook = (path: string, method: 'GET' | 'POST') => ({
    triggers: [{ id: 'h', type: 'webhook' as const, path, method, respond: 'result' as const }],
  });
  const echo = [{ id: 'a', type: 'transform', params: { value: '{{ input }}' } }];
  await owner.publish(echo, hook('echo', 'POST'));
  await owner.publish(echo, hook('echo-query', 'GET'));
  await owner.publish(
    [{ id: 'a', type: 'respond', params: { status: 204, body: { ignored: true } } }],
    hook('none', 'POST'),
  );
  const echoed = (path: string, options?: Parameters<typeof send>[1]) =>
    send(at(`/hooks/${owner.slug}/${path}`), options);
  expect((await echoed('echo', { body: [1, '€'] })).json).toEqual([1, '€']);
  expect((await echoed('echo', { body: 'hi', headers: { 'content-type': 'text/plain' } })).json).toBe('hi');
  expect((await echoed('echo', { method: 'POST' })).json).toBeNull();
  expect((await echoed('echo-query?a=1&b=2&b=3')).json).toEqual({ a: '1', b: ['2', '3'] });
  expect(await echoed('none', { body: {} })).toMatchObject({ status: 204, text: '' });
});

/** Asks for /health again and again while `work` goes on. @returns the slowest answer in milliseconds. */
async function slowestHealth(work: Promise<unknown>): Promise<number> {
  let slowest = 0;
  let over = false;
  void work.finally(() => {
    over = true;
  });
  while (!over) {
    const begun = performance.now();
    expect((await send(at('/health'))).status).toBe(200);
    slowest = Math.max(slowest, performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return slowest;
}

test.each([
  ['an endless loop', 'while (true) {}', 'code_timeout'],
  ['a 2 GB array', 'return new Uint8Array(2 * 1024 ** 3).length', 'code_'],
  [
    '2 GB in pieces',
    'const all = []; for (let i = 0; i < 2048; i++) all.push(new Array(131072).fill(i)); return all.length',
    'code_memory',
  ],
  ['the way out to the process', `return globalThis.constructor.constructor('return process')().pid`, 'code_failed'],
  ['the process itself', `return globalThis.constructor.constructor('return process')()`, 'code_failed'],
])(
  '%s in a code node fails the step with a typed error in bounded time, and the server answers meanwhile',
  async (what, code, expected) => {
    const id = await owner.publish([{ id: 'a', type: 'code', params: { code, timeoutSeconds: 2 } }]);
    const begun = performance.now();
    const running = owner.client.workflows.execute({ id, wait: 30 });
    const slowest = await slowestHealth(running);
    const execution = await running;
    const took = performance.now() - begun;
    console.log(
      `${what}: ${execution.error?.code} after ${Math.round(took)} ms, slowest /health ${Math.round(slowest)} ms`,
    );
    expect(execution).toMatchObject({ status: 'failed', error: { nodeId: 'a' } });
    expect(execution.error?.code).toContain(expected);
    expect(took).toBeLessThan(10_000);
    expect(slowest).toBeLessThan(1_000);
    const { items } = await owner.client.executions.steps({ id: execution.id });
    expect(items).toMatchObject([{ path: 'a', status: 'failed', error: execution.error }]);
  },
);
